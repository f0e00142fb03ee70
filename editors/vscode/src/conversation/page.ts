/** The HTML page of a conversation: nothing of it comes from elsewhere, no word can be script. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/** Returns the options of a webview that shows a conversation. */
export function pageOptions(extension: vscode.Uri): vscode.WebviewOptions {
  return {
    enableScripts: true,
    enableForms: false,
    enableCommandUris: false,
    localResourceRoots: [vscode.Uri.joinPath(extension, 'dist', 'view')],
  };
}

/** Returns the page. Only the script with this page's nonce runs; nothing can be fetched. */
export function page(webview: vscode.Webview, extension: vscode.Uri): string {
  const nonce = randomBytes(18).toString('base64');
  const resource = (name: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(extension, 'dist', 'view', name)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource}`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data:`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${resource('main.css')}">
<title>Claude Agent</title>
</head>
<body>
<div id="app"></div>
<script nonce="${nonce}" src="${resource('main.js')}"></script>
</body>
</html>`;
}

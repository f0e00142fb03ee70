/** Code in colours, as a tree. */
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import type { RootContent } from 'hast';
import { createLowlight } from 'lowlight';
import { type TreeNode, node, text } from './tree';

const lowlight = createLowlight({
  ...{ bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, lua },
  ...{ makefile, markdown, php, python, ruby, rust, sql, swift, typescript, xml, yaml },
});
lowlight.registerAlias({ javascript: ['jsx'], typescript: ['tsx'], ini: ['toml'] });

/** More characters than these stay without colours. */
const MOST = 60_000;

/** Returns undefined where there are no colours for a language, or too much of it. */
export function highlight(code: string, language: string): readonly TreeNode[] | undefined {
  if (code.length > MOST || !lowlight.registered(language.toLowerCase())) {
    return undefined;
  }
  const { children } = lowlight.highlight(language.toLowerCase(), code);
  return children.flatMap((child) => of(child));
}

function of(child: RootContent): readonly TreeNode[] {
  if (child.type === 'text') {
    return [text(child.value)];
  }
  if (child.type !== 'element') {
    return [];
  }
  const { className } = child.properties;
  const name = Array.isArray(className) ? className.join(' ') : '';
  return [node('span', { class: name }, child.children.flatMap((each) => of(each)))];
}

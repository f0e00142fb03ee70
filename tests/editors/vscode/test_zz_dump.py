import json
from pathlib import Path
import pytest

THEMES = {"dark": "Default Dark Modern", "light": "Default Light Modern", "hc-dark": "Default High Contrast", "hc-light": "Default High Contrast Light"}

@pytest.mark.parametrize("name", THEMES)
def test_dump(name, code_server, open_window):
    code_server.settings({"workbench.colorTheme": THEMES[name], "chat.disableAIFeatures": True, "security.workspace.trust.enabled": False, "workbench.startupEditor": "none"})
    window = open_window()
    page = window.page
    page.wait_for_timeout(6000)
    page.keyboard.press("F1")
    page.keyboard.type("Claude Agent: Ask")
    page.wait_for_timeout(1500)
    page.keyboard.press("Enter")
    page.wait_for_timeout(9000)
    page.screenshot(path=f"/tmp/vscode-view-shots/real-{name}.png")
    for frame in page.frames:
        try:
            if frame.locator(".composer").count():
                data = frame.evaluate("""() => { const style = document.documentElement.style; const out = {};
                  for (const n of style) if (n.startsWith('--vscode')) out[n] = style.getPropertyValue(n);
                  return {vars: out, body: document.body.className, kind: document.body.dataset, default: document.getElementById('_defaultStyles')?.textContent, bodyStyle: document.body.getAttribute('style')} }""")
                data["sidebar"] = page.evaluate("getComputedStyle(document.querySelector('.sidebar')).backgroundColor")
                Path(f"/tmp/vscode-view-shots/{name}.json").write_text(json.dumps(data))
                return
        except Exception as e:
            print(e)
    pytest.fail("no view")

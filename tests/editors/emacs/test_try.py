import time

from claude_agent_lsp.loopback import call, reply, say, think


def test_tui(open_emacs, model, folder):
    model.add(
        reply(
            "make one",
            [think("hmm"), say("I will look at `a.txt:2`."), call("Bash", command="touch one")],
            [say("Tried.")],
        )
    )
    (folder / "a.txt").write_text("hello\nworld\n")
    t = open_emacs("a.txt")
    t.wait_for("hello")
    t.keys("M-x")
    t.type("claude-agent-ask", "Enter")
    t.wait_for("Ask Claude")
    t.type("make one", "Enter")
    for n in range(6):
        time.sleep(1)
        print(t.screen())
    t.type("allow o", "Enter")
    time.sleep(1)
    print(t.screen())
    t.keys("C-x", "o", "M-<")
    t.keys("Tab")
    time.sleep(0.3)
    print(t.screen())
    assert 0

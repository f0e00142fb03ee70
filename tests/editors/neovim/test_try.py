def test_try(lua, model):
    print(lua("""
vim.cmd('ClaudeAgent ask remember the code PINEAPPLE-42')
local c = require('claude_agent.conversation')
local talk = c.of(0)
vim.wait(20000, function() return talk.state == 'idle' end, 10)
return {vim.api.nvim_buf_get_lines(talk.page.buf, 0, -1, false), talk.activity, talk.session, vim.fn.execute('messages')}
"""))
    assert 0

def test_tui(open_neovim, model, folder):
    from claude_agent_lsp.loopback import call, reply, say, think
    model.add(reply("make one", [think("hmm"), say("I will."), call("Bash", command="touch one")], [say("Tried.")]))
    (folder / "a.txt").write_text("hello\nworld\n")
    t = open_neovim("a.txt")
    t.wait_for("hello")
    t.type(":ClaudeAgent ask make one", "Enter")
    import time
    t.wait_for("Allow once")
    print(t.screen())
    t.type("2", "Enter")
    t.wait_for("Tried.")
    time.sleep(0.5)
    print(t.screen())
    assert 0

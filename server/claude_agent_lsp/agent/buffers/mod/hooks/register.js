// Has the editor answer for the files that it has open: see agent/buffers in the server.
//
// Which those are stands in a file that the server keeps, so that any other file costs nothing. Helpers that are
// given `$` have to stand at the top level, and what fails here has to be refused: the CLI would go on without.

async function mayBeOpen($, path) {
  const file = await $.env.get("CLAUDE_AGENT_LSP_OPEN")
  if (!file || typeof path !== "string") return false
  let open
  try {
    open = JSON.parse(await $.fs.read(file))
  } catch {
    return true // the editor knows
  }
  // By its last name, since links and `..` lead to one file by many names.
  return open.includes(path.slice(path.lastIndexOf("/") + 1))
}

// The tool would change more than the edit, in lines that end otherwise than with LF.
async function isTouchy($, call) {
  if (call.tool === "Read") return false
  try {
    return (await $.fs.read(call.file_path)).includes("\r")
  } catch {
    return false // there is none yet, or the tool will say what is wrong with it
  }
}

async function ask($, what, call) {
  const answer = await $.mcp.call("editor", "ask", { what, call: JSON.stringify(call) })
  if (answer.isError) throw new Error(answer.content[0].text)
  return JSON.parse(answer.content[0].text)
}

// The tool has looked at the disk and refuses: the editor may know better.
async function prepare($, call, next) {
  const refused = await next(call)
  if (!refused.isError || !(await mayBeOpen($, call.file_path))) return refused
  const answer = await ask($, "refused", { ...call, error: refused.text })
  if (answer.deny) return { deny: answer.deny }
  if (answer.reread) await $.tool.call({ tool: "Read", file_path: call.file_path })
  return answer.input || answer.reread ? next({ ...call, ...answer.input }) : refused
}

// The call is allowed.
async function perform($, call, next) {
  if (!(await mayBeOpen($, call.file_path)) && !(await isTouchy($, call))) return next(call)
  const answer = await ask($, "perform", call)
  if (answer.deny) return { deny: answer.deny }
  if (!answer.result) return next(call)
  return answer.context ? { result: answer.result, context: [answer.context] } : { result: answer.result }
}

async function mention($, named, next) {
  if (!(await mayBeOpen($, named.path))) return next(named)
  const answer = await ask($, "mention", { tool: "mention", file_path: named.path })
  return next(answer.path ? { ...named, path: answer.path } : named)
}

function refuse($, call, next) {
  if (next.called) return next(call)
  return { deny: "The editor may have this file open, and could not be asked. Nothing was read or changed." }
}

/** @type {import('claude-code').Register} */
export const register = on => {
  on("session.start", ($, event, next) => {
    $.ui.log("claude-agent-lsp buffers 1")
    return next(event)
  })
  on("tool.call", { tool: "Edit" }, prepare)
  on("tool.call", { tool: "Write" }, prepare)
  on("tool.run", { tool: "Read" }, perform).catch(refuse)
  on("tool.run", { tool: "Edit" }, perform).catch(refuse)
  on("tool.run", { tool: "Write" }, perform).catch(refuse)
  on("prompt.mention", mention)
}

;;; claude-agent-menu.el --- A menu of the agent's commands  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `claude-agent' shows all commands, with a key for each.

;;; Code:

(require 'transient)
(require 'claude-agent)
(require 'claude-agent-rewind)

;;;###autoload (autoload 'claude-agent "claude-agent-menu" nil t)
(transient-define-prefix claude-agent ()
  "Work with the Claude agent in this project."
  [["Ask"
    ("a" "ask" claude-agent-ask)
    ("i" "tell now" claude-agent-ask-now)
    ("x" "stop, and ask" claude-agent-ask-instead)
    ("w" "what waits" claude-agent-queue)
    ("k" "stop" claude-agent-stop)
    ("K" "stop in another editor, and take over" claude-agent-take-over)
    ("q" "answer a question" claude-agent-questions)]
   ["Session"
    ("r" "resume" claude-agent-resume)
    ("s" "choose" claude-agent-sessions)
    ("f" "find by what was said" claude-agent-search)
    ("n" "new" claude-agent-new)
    ("p" "pin" claude-agent-pin)
    ("A" "archive" claude-agent-archive)
    ("e" "export" claude-agent-export)
    ("I" "import" claude-agent-import)
    ("z" "put files back" claude-agent-rewind)
    ("Z" "and forward again" claude-agent-redo)
    ("b" "what runs in the background" claude-agent-tasks)]
   ["Code"
    ("v" "review" claude-agent-review)
    ("c" "message of a commit" claude-agent-commit-message)]
   ["Agent"
    ("o" "permission mode" claude-agent-permission-mode)
    ("m" "MCP servers" claude-agent-mcp)
    ("u" "context and limits" claude-agent-usage)
    ("t" "trust this folder" claude-agent-trust)
    ("d" "doctor" claude-agent-doctor)]])

(provide 'claude-agent-menu)
;;; claude-agent-menu.el ends here

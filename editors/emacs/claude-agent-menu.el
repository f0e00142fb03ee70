;;; claude-agent-menu.el --- A menu of the agent's commands  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `claude-agent' shows all commands, with a key for each.

;;; Code:

(require 'transient)
(require 'claude-agent)

;;;###autoload (autoload 'claude-agent "claude-agent-menu" nil t)
(transient-define-prefix claude-agent ()
  "Work with the Claude agent in this project."
  [["Ask"
    ("a" "ask" claude-agent-ask)
    ("k" "stop" claude-agent-stop)
    ("q" "answer a question" claude-agent-questions)]
   ["Session"
    ("r" "resume" claude-agent-resume)
    ("s" "choose" claude-agent-sessions)
    ("n" "new" claude-agent-new)]
   ["Agent"
    ("o" "permission mode" claude-agent-permission-mode)
    ("t" "trust this folder" claude-agent-trust)
    ("d" "doctor" claude-agent-doctor)]])

(provide 'claude-agent-menu)
;;; claude-agent-menu.el ends here

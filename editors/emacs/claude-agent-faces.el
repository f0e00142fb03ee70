;;; claude-agent-faces.el --- How a conversation looks  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The faces of what is neither the user's words nor the agent's.

;;; Code:

(defface claude-agent-heading '((t :inherit font-lock-function-name-face :weight bold))
  "Who speaks."
  :group 'claude-agent)

(defface claude-agent-dim '((t :inherit shadow))
  "Thoughts, results of tools, and how a run has ended."
  :group 'claude-agent)

(defface claude-agent-problem '((t :inherit error))
  "What has gone wrong."
  :group 'claude-agent)

(defface claude-agent-retracted '((t :inherit shadow :strike-through t))
  "Words of an answer that broke off."
  :group 'claude-agent)

(defvar claude-agent-font-lock
  '(("^#+ .*$" . 'bold)
    ("\\*\\*[^*\n]+\\*\\*" . 'bold)
    ("^```.*$" . 'shadow)
    ("`[^`\n]+`" . 'font-lock-constant-face))
  "Markdown, as far as it takes no parsing.")

(provide 'claude-agent-faces)
;;; claude-agent-faces.el ends here

;;; claude-agent-mode-line.el --- What the agent does, in every mode line  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; While the agent is at work anywhere, every mode line says so; a question is told apart.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-questions)
(require 'claude-agent-server)

(defcustom claude-agent-mode-line t
  "Whether every mode line says that the agent is at work."
  :type 'boolean
  :group 'claude-agent)

(defvar claude-agent-mode-line--construct '(:eval (claude-agent-mode-line--text))
  "What stands in `mode-line-misc-info'.")

(put 'claude-agent-mode-line--construct 'risky-local-variable t)

(defun claude-agent-mode-line-update ()
  "Let the mode lines have the agent in them, if the server is there."
  (let ((ours '(claude-agent-mode-line claude-agent-mode-line--construct)))
    (set-default 'mode-line-misc-info
                 (remove ours (default-value 'mode-line-misc-info)))
    (when (claude-agent-server-running-p)
      (set-default 'mode-line-misc-info
                   (cons ours (default-value 'mode-line-misc-info)))))
  (force-mode-line-update t))

(defun claude-agent-mode-line--text ()
  "Return what the agent does: at work, waiting for the user, or nothing."
  (cond
   ((claude-agent-questions-waiting-p)
    (propertize "Claude? " 'face 'warning
                'help-echo "The agent is waiting for you: M-x claude-agent-questions"))
   ((seq-some (lambda (buffer) (buffer-local-value 'claude-agent-conversation-run buffer))
              (claude-agent-conversation-buffers))
    (propertize "Claude… " 'help-echo "The agent is working"))))

(add-hook 'claude-agent-server-state-hook #'claude-agent-mode-line-update)

(provide 'claude-agent-mode-line)
;;; claude-agent-mode-line.el ends here

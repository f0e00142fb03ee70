;;; claude-agent.el --- The Claude agent in your projects  -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The claude-agent-lsp authors

;; Author: The claude-agent-lsp authors
;; Version: 0.1.0
;; Package-Requires: ((emacs "29.1"))
;; Keywords: tools, convenience
;; URL: https://example.org/claude-agent-lsp
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Ask the Claude agent about the project you are in, from any buffer:
;;
;;   M-x claude-agent-ask       ask, about the region if there is one
;;   M-x claude-agent-resume    come back to the project's conversation
;;   M-x claude-agent-sessions  choose another one
;;   M-x claude-agent-stop      stop it
;;   M-x claude-agent           a menu of all commands
;;
;; The answer streams into a buffer of its own, whose keys `describe-mode' lists.  It needs the
;; program claude-agent-lsp; `claude-agent-doctor' tells whether all is well.

;;; Code:

(require 'project)
(require 'claude-agent-code)                ; with `compile'
(require 'claude-agent-context)
(require 'claude-agent-control)
(require 'claude-agent-conversation)
(require 'claude-agent-files)
(require 'claude-agent-knowledge)
(require 'claude-agent-fold)
(require 'claude-agent-mode-line)
(require 'claude-agent-questions)
(require 'claude-agent-queue)
(require 'claude-agent-runs)
(require 'claude-agent-server)
(require 'claude-agent-filing)
(require 'claude-agent-sessions)
(require 'claude-agent-tasks)
(require 'claude-agent-vocabulary)
(require 'claude-agent-watching)

(autoload 'claude-agent "claude-agent-menu" nil t)

(defvar claude-agent-prompt-history nil
  "What was asked.")

(define-keymap :keymap claude-agent-conversation-mode-map
  "C-c C-a" #'claude-agent-ask
  "C-c C-w" #'claude-agent-queue
  "C-c RET" #'claude-agent-ask-now
  "C-c C-x" #'claude-agent-ask-instead
  "C-c C-c" #'claude-agent-stop
  "C-c C-k" #'claude-agent-stop
  "C-c C-n" #'claude-agent-new
  "C-c C-o" #'claude-agent-permission-mode
  "C-c C-q" #'claude-agent-questions
  "C-c C-r" #'claude-agent-resume
  "C-c C-t" #'claude-agent-take-over
  "C-c C-s" #'claude-agent-sessions
  "C-c C-f" #'claude-agent-search
  "C-c C-b" #'claude-agent-tasks
  "C-c C-d" #'claude-agent-doctor
  "?" #'claude-agent
  "a" #'claude-agent-ask
  "g" #'claude-agent-resume
  "n" #'claude-agent-next-prompt
  "p" #'claude-agent-previous-prompt
  "TAB" #'claude-agent-fold-toggle-or-forward
  "<backtab>" #'claude-agent-fold-toggle-all)

;;;###autoload
(defun claude-agent-ask (prompt &optional new context)
  "Ask the agent PROMPT about the project of the current buffer.
The region, if it is active, is told as what the question is about.  With a
prefix argument NEW, a new session is begun.  CONTEXT is what the user looks
at, in the protocol's form.  While the agent works, PROMPT waits its turn."
  (interactive
   (let ((context (claude-agent-context-of-question)))
     (list (read-string (format "Ask Claude%s: " (claude-agent-context-describe context))
                        nil 'claude-agent-prompt-history)
           current-prefix-arg
           context)))
  (when (string-blank-p prompt)
    (user-error "The prompt is empty"))
  (with-current-buffer (claude-agent--conversation)
    (when new
      (claude-agent--must-rest)
      (claude-agent-conversation-clear nil))
    (if claude-agent-conversation-run
        (claude-agent-runs-wait prompt context "queue")
      (claude-agent-conversation-begin-run)
      (claude-agent-sessions-with-history
       (current-buffer) new
       (lambda () (claude-agent-runs-send prompt new context))))
    (claude-agent--show (current-buffer))))

;;;###autoload
(defun claude-agent-ask-now (prompt)
  "Tell the agent PROMPT with the result of its next tool, while it works.
Else ask it as `claude-agent-ask' does."
  (interactive (list (read-string "Tell Claude now: " nil 'claude-agent-prompt-history)))
  (when (string-blank-p prompt)
    (user-error "The prompt is empty"))
  (with-current-buffer (claude-agent--conversation)
    (if claude-agent-conversation-run
        (claude-agent-runs-wait prompt nil "steer")
      (claude-agent-ask prompt))))

;;;###autoload
(defun claude-agent-ask-instead (prompt &optional context)
  "Stop the run at work, and ask the agent PROMPT in its place.
The region, if it is active, is told as with `claude-agent-ask'; CONTEXT is
what the user looks at, in the protocol's form."
  (interactive
   (let ((context (claude-agent-context-of-question)))
     (list (read-string (format "Stop, and ask Claude%s: "
                                (claude-agent-context-describe context))
                        nil 'claude-agent-prompt-history)
           context)))
  (when (string-blank-p prompt)
    (user-error "The prompt is empty"))
  (with-current-buffer (claude-agent--conversation)
    (if claude-agent-conversation-run
        (claude-agent-runs-wait prompt context "queue" t)
      (claude-agent-ask prompt nil context))))

;;;###autoload
(defun claude-agent-queue ()
  "Choose from what waits here, to send it now, edit or remove it."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (unless claude-agent-conversation-session
      (user-error "Nothing waits"))
    (claude-agent-queue-choose (current-buffer))))

;;;###autoload
(defun claude-agent-stop ()
  "Stop the agent in the project of the current buffer."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (unless claude-agent-conversation-run
      (user-error "Claude is not running here"))
    (claude-agent-runs-stop)
    (message "Stopping Claude…")))

;;;###autoload
(defun claude-agent-new ()
  "Begin a new session in the project of the current buffer."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent--must-rest)
    (claude-agent-conversation-clear nil)
    (setq claude-agent-sessions-shown t)
    (claude-agent-server-call "session.select" '(:sessionId "new")
                              :folder claude-agent-conversation-folder)
    (claude-agent--show (current-buffer))))

;;;###autoload
(defun claude-agent-resume ()
  "Show the current session of the project of the current buffer.
What is asked next goes on in it."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (unless claude-agent-conversation-run
      (claude-agent-sessions-show-current (current-buffer)))
    (claude-agent--show (current-buffer))))

;;;###autoload
(defun claude-agent-sessions ()
  "Choose a session of the project of the current buffer, and show it.
What is asked next goes on in it."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent--must-rest)
    (let ((buffer (current-buffer)))
      (claude-agent-sessions-choose buffer (lambda () (claude-agent--show buffer))))))

;;;###autoload
(defun claude-agent-tasks ()
  "Choose from what the agent has left at work in the background; show its output."
  (interactive)
  (claude-agent-tasks-choose))

;;;###autoload
(defun claude-agent-mcp ()
  "Enable, disable or connect anew an MCP server of this project."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-control-servers claude-agent-conversation-folder)))

;;;###autoload
(defun claude-agent-usage ()
  "Tell how full the context of this project's session is."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-control-usage claude-agent-conversation-folder)))

;;;###autoload
(defun claude-agent-permission-mode (mode)
  "Set the permission MODE of this project's session, from now on."
  (interactive
   (list (completing-read "Permission mode: " (claude-agent--annotated claude-agent-permission-modes)
                          nil t)))
  (unless (assoc mode claude-agent-permission-modes)
    (user-error "There is no permission mode %s" mode))
  (with-current-buffer (claude-agent--conversation)
    (if claude-agent-conversation-session
        (claude-agent-server-call
         "mode" (list :sessionId claude-agent-conversation-session :permissionMode mode)
         :success (lambda (_) (message "Claude %s" (cdr (assoc mode claude-agent-permission-modes)))))
      (setq claude-agent-runs-permission-mode mode))))

;;;###autoload
(defun claude-agent-trust (&optional withdraw)
  "Trust the folder of this project, or with WITHDRAW trust it no longer.
Until it is trusted nothing that it brings along runs: no settings, hooks or
MCP servers of the project.  Interactively, WITHDRAW is the prefix argument."
  (interactive "P")
  (with-current-buffer (claude-agent--conversation)
    (let ((trusted (if withdraw :json-false t)))
      (claude-agent-server-call
       "trust" (list :trusted trusted)
       :folder claude-agent-conversation-folder
       :success (lambda (_)
                  (message "This folder is %s" (if withdraw "no longer trusted" "trusted")))))))

;;;###autoload
(defun claude-agent-doctor ()
  "Show whether all that the agent needs is there."
  (interactive)
  (compilation-start (mapconcat #'shell-quote-argument
                                (append claude-agent-server-command '("doctor")) " ")
                     nil
                     (lambda (_) "*claude-agent doctor*")))

(defun claude-agent-next-prompt ()
  "Go to the next prompt."
  (interactive)
  (end-of-line)
  (if (text-property-search-forward 'claude-agent-heading "You" #'equal)
      (beginning-of-line)
    (goto-char (point-max))))

(defun claude-agent-previous-prompt ()
  "Go to the previous prompt."
  (interactive)
  (beginning-of-line)
  (unless (text-property-search-backward 'claude-agent-heading "You" #'equal)
    (goto-char (point-min))))

(defun claude-agent--conversation ()
  "Return the buffer of the conversation that the current buffer belongs to."
  (if claude-agent-conversation-folder
      (current-buffer)
    (let ((folder (expand-file-name
                   (if-let* ((project (project-current))) (project-root project)
                     default-directory))))
      (when (file-remote-p folder)
        (user-error "The agent works in local folders only"))
      (claude-agent-conversation-buffer folder))))

(defun claude-agent--show (buffer)
  "Show BUFFER at its end, and leave the selected window selected."
  (when-let* ((window (display-buffer buffer)))
    (claude-agent-following-show-end window)))

(defun claude-agent--must-rest ()
  "Refuse to go on while the agent is at work in the current conversation."
  (when claude-agent-conversation-run
    (user-error "Claude is still working: stop it first")))

(defun claude-agent--annotated (table)
  "Return a completion table of TABLE's keys, annotated with its values."
  (lambda (string predicate action)
    (if (eq action 'metadata)
        `(metadata (annotation-function
                    . ,(lambda (key) (concat "  " (cdr (assoc key table))))))
      (complete-with-action action table string predicate))))

(provide 'claude-agent)
;;; claude-agent.el ends here

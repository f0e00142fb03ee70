;;; claude-agent-queue.el --- The prompts that wait  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What is asked while the agent works waits its turn.  The mode line of the conversation names it;
;; `claude-agent-queue' changes it, removes it or sends it now.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-server)

(defconst claude-agent-queue-actions
  '(("Send now" . claude-agent-queue--send)
    ("Edit" . claude-agent-queue--edit)
    ("Remove" . claude-agent-queue--remove))
  "What can be done with a prompt that waits.")

(defun claude-agent-queue-changed (params)
  "Take note of what waits for a session, as PARAMS tell."
  (dolist (buffer (claude-agent-conversation-buffers))
    (with-current-buffer buffer
      (when (equal claude-agent-conversation-session (plist-get params :sessionId))
        (setq claude-agent-conversation-waiting
              (claude-agent-queue--brief (append (plist-get params :queue) nil)))
        (force-mode-line-update t)))))

(setq claude-agent-server-queue-function #'claude-agent-queue-changed)

(defun claude-agent-queue-look (buffer)
  "Look what waits for the session of BUFFER, also since an earlier server."
  (with-current-buffer buffer
    (when claude-agent-conversation-session
      (claude-agent-queue--list buffer #'ignore))))

(defun claude-agent-queue-choose (buffer)
  "Let the user choose from what waits in BUFFER, and what becomes of it."
  (claude-agent-queue--list
   buffer
   (lambda (queue)
     ;; Not from within the connection: the minibuffer takes its time.
     (run-at-time 0 nil #'claude-agent-queue--ask queue))))

(defun claude-agent-queue--list (buffer continue)
  "Call CONTINUE with what waits for the session of BUFFER."
  (with-current-buffer buffer
    (let ((session claude-agent-conversation-session))
      (claude-agent-server-call
       "queue.list" (list :sessionId session)
       :success (lambda (answer)
                  (claude-agent-queue-changed
                   (list :sessionId session :queue (plist-get answer :queue)))
                  (funcall continue (append (plist-get answer :queue) nil)))))))

(defun claude-agent-queue--ask (queue)
  "Let the user choose from QUEUE, and what becomes of it."
  (if (null queue)
      (message "Nothing waits")
    (let* ((inhibit-quit nil)           ; a timer has it set
           (prompts (seq-map-indexed
                     (lambda (waiting index)
                       (cons (format "%d: %s" (1+ index)
                                     (claude-agent-queue--line waiting))
                             waiting))
                     queue))
           (waiting (cdr (assoc (completing-read "Waiting prompt: " prompts nil t) prompts)))
           (action (and waiting
                        (completing-read "What: " claude-agent-queue-actions nil t))))
      (when action
        (funcall (cdr (assoc action claude-agent-queue-actions)) waiting)))))

(defun claude-agent-queue--brief (queue)
  "Return what waits in QUEUE, in a few words, or nil."
  (when-let* ((first (car queue)))
    (concat (if (equal (plist-get first :state) "sending") "sending: " "next: ")
            (truncate-string-to-width (claude-agent-queue--line first) 24)
            (and (cdr queue) (format " +%d" (length (cdr queue)))))))

(defun claude-agent-queue--line (waiting)
  "Return the prompt of WAITING in one line."
  (string-join (split-string (plist-get waiting :prompt)) " "))

(defun claude-agent-queue--call (command waiting &rest more)
  "Execute COMMAND on WAITING, with MORE in its argument."
  (claude-agent-server-call (concat "queue." command)
                            (append (list :runId (plist-get waiting :runId)) more)))

(defun claude-agent-queue--send (waiting)
  "Send WAITING now."
  (claude-agent-queue--call "sendNow" waiting))

(defun claude-agent-queue--edit (waiting)
  "Let the user change what WAITING asks."
  (claude-agent-queue--call
   "edit" waiting :prompt (read-string "Ask Claude: " (plist-get waiting :prompt))))

(defun claude-agent-queue--remove (waiting)
  "Remove WAITING."
  (claude-agent-queue--call "remove" waiting))

(defun claude-agent-queue-mode-line ()
  "Return what the agent does, for the mode line."
  ;; What the agent does may be longer than the line.
  (mapconcat (lambda (told) (format ": %s" (string-replace "%" "%%" told)))
             (delq nil (list claude-agent-conversation-waiting
                             claude-agent-conversation-activity))))

(provide 'claude-agent-queue)
;;; claude-agent-queue.el ends here

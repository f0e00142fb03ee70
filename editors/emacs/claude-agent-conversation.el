;;; claude-agent-conversation.el --- The buffer of a conversation  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer for each project.  It shows a session: what was said, and what is being said.  Text is
;; put in as it is, and a few times in a second: to show each token by itself would cost more than
;; anybody can read.  Tool calls and thoughts are folded, files are links.  Point stays where the
;; user has put it, unless that is the end of the buffer.

;;; Code:

(require 'json)
(require 'seq)
(require 'claude-agent-fold)
(require 'claude-agent-files)
(require 'claude-agent-server)

(defcustom claude-agent-conversation-interval 0.1
  "Seconds between two times that streamed text is shown."
  :type 'number
  :group 'claude-agent)

(defface claude-agent-heading '((t :inherit font-lock-function-name-face :weight bold))
  "Who speaks."
  :group 'claude-agent)

(defface claude-agent-dim '((t :inherit shadow))
  "Thoughts, results of tools, and how a run has ended."
  :group 'claude-agent)

(defface claude-agent-problem '((t :inherit error))
  "What has gone wrong."
  :group 'claude-agent)

(defvar-local claude-agent-conversation-folder nil
  "The project's folder.")

(defvar-local claude-agent-conversation-session nil
  "The session's id, or nil for a new one.")

(defvar-local claude-agent-conversation-run nil
  "The id of the run at work, t as long as the server has not told it, or nil.")

(defvar-local claude-agent-conversation-activity nil
  "What the agent does, in a few words, or nil.")

(defvar-local claude-agent-conversation--block nil
  "What stands at the end: (KIND . ID), to which more of it is appended.")

(defvar-local claude-agent-conversation--calls nil
  "The folds of the tool calls, by their ids.")

(defvar-local claude-agent-conversation--gathered nil
  "Streamed text that is not shown yet, the newest first.")

(defvar-local claude-agent-conversation--timer nil
  "Shows it.")

(defvar claude-agent-conversation-activity-hook nil
  "Run in the conversation's buffer when the activity has changed.")

(defvar claude-agent-conversation-font-lock
  '(("^#+ .*$" . 'bold)
    ("\\*\\*[^*\n]+\\*\\*" . 'bold)
    ("^```.*$" . 'shadow)
    ("`[^`\n]+`" . 'font-lock-constant-face))
  "Markdown, as far as it takes no parsing.")

(define-derived-mode claude-agent-conversation-mode special-mode "Claude"
  "Major mode of a conversation with the Claude agent.

\\{claude-agent-conversation-mode-map}"
  (setq-local font-lock-defaults '(claude-agent-conversation-font-lock t)
              word-wrap t
              truncate-lines nil
              scroll-conservatively 101
              buffer-undo-list t
              ;; An answer may be one long line, which is drawn anew for each piece of it.
              bidi-inhibit-bpa t
              mode-line-process '(:eval (claude-agent-conversation--mode-line))
              claude-agent-conversation--calls (make-hash-table :test #'equal))
  (add-hook 'kill-buffer-hook #'claude-agent-conversation--stop-timer nil t)
  (add-hook 'minibuffer-exit-hook #'claude-agent-conversation--keep-following)
  (claude-agent-fold-set-up))

(defun claude-agent-conversation-buffer (folder)
  "Return the buffer of the conversation in FOLDER; make it if there is none."
  (or (seq-find (lambda (buffer)
                  (equal (buffer-local-value 'claude-agent-conversation-folder buffer) folder))
                (buffer-list))
      (with-current-buffer
          (generate-new-buffer
           (format "*claude-agent: %s*" (file-name-nondirectory (directory-file-name folder))))
        (claude-agent-conversation-mode)
        (setq claude-agent-conversation-folder folder
              default-directory (file-name-as-directory folder))
        (current-buffer))))

(defun claude-agent-conversation-buffers ()
  "Return the buffers of all conversations."
  (seq-filter (lambda (buffer) (buffer-local-value 'claude-agent-conversation-folder buffer))
              (buffer-list)))

(defun claude-agent-conversation-clear (session)
  "Show nothing of what was, for SESSION to be shown, or a new one if nil."
  (claude-agent-conversation--stop-timer)
  (let ((inhibit-read-only t))
    (erase-buffer))
  (clrhash claude-agent-conversation--calls)
  (setq claude-agent-conversation-session session
        claude-agent-conversation--gathered nil
        claude-agent-conversation--block nil)
  (claude-agent-conversation--set-activity nil))

(defun claude-agent-conversation-show-messages (messages)
  "Append MESSAGES, a list in the form of `claudeAgent.session.read'."
  (dolist (message messages)
    (let ((thinking (plist-get message :thinking))
          (text (plist-get message :text))
          (id (plist-get message :messageId)))
      (cond
       ((equal (plist-get message :role) "user")
        (claude-agent-conversation-show-prompt text))
       (t
        (unless (string-empty-p (or thinking ""))
          (claude-agent-conversation--append "thinking" id thinking))
        (unless (string-empty-p (or text ""))
          (claude-agent-conversation--append "text" id text))
        (seq-doseq (call (plist-get message :toolCalls))
          (claude-agent-conversation--call
           (append (list :title (plist-get call :tool)) call))
          (when (plist-get call :status)
            (claude-agent-conversation--result call))))))))

(defun claude-agent-conversation-show-prompt (prompt)
  "Append PROMPT, and the heading of its answer."
  (claude-agent-conversation--flush)
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "prompt" nil)
     (claude-agent-conversation--heading "You")
     (insert prompt "\n\n")
     (claude-agent-conversation--heading "Claude")))
  (setq claude-agent-conversation--block nil))

(defun claude-agent-conversation-show-cause (cause)
  "Append CAUSE, the reason for a run of the agent's own."
  (claude-agent-conversation--flush)
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "prompt" nil)
     (claude-agent-conversation--heading "Claude")))
  (setq claude-agent-conversation--block nil)
  (claude-agent-conversation--line cause 'claude-agent-dim))

(defun claude-agent-conversation-begin-run ()
  "Take note that a run is about to begin."
  (setq claude-agent-conversation-run t)
  (claude-agent-conversation--set-activity "Starting"))

(defun claude-agent-conversation-fail-run (text)
  "Append TEXT as an account of why the run could not begin."
  (claude-agent-conversation--flush)
  (setq claude-agent-conversation-run nil)
  (claude-agent-conversation--line text 'claude-agent-problem)
  (claude-agent-conversation--set-activity nil))

(defun claude-agent-conversation-take (event)
  "Show EVENT of the run at work.
Return EVENT; what is more than showing it is left to the caller."
  (let ((kind (plist-get event :kind)))
    (if (member kind '("text" "thinking"))
        (claude-agent-conversation--gather event)
      (claude-agent-conversation--flush))
    (pcase kind
      ("started"
       (let ((run (plist-get event :run)))
         (setq claude-agent-conversation-run (plist-get run :runId)
               claude-agent-conversation-session (plist-get run :sessionId)))
       (claude-agent-conversation--set-activity "Waiting for the model"))
      ("text" (claude-agent-conversation--set-activity "Answering"))
      ("thinking" (claude-agent-conversation--set-activity "Thinking"))
      ("toolCall"
       (claude-agent-conversation--call event)
       (claude-agent-conversation--set-activity (plist-get event :title)))
      ("toolResult"
       (claude-agent-conversation--result event)
       (claude-agent-conversation--set-activity "Waiting for the model"))
      ("question"
       (claude-agent-conversation--set-activity
         (concat "Waiting for you: " (plist-get (plist-get event :question) :title))))
      ("questionAnswered" (claude-agent-conversation--set-activity "Continuing"))
      ("notice"
       (claude-agent-conversation--line
        (plist-get event :text)
        (if (equal (plist-get event :level) "info") 'claude-agent-dim 'claude-agent-problem)))
      ("ended" (claude-agent-conversation--end (plist-get event :run)))))
  event)

(defun claude-agent-conversation--gather (event)
  "Keep the text of EVENT until it is time to show it."
  (push event claude-agent-conversation--gathered)
  (unless claude-agent-conversation--timer
    (setq claude-agent-conversation--timer
          (run-at-time claude-agent-conversation-interval nil
                       #'claude-agent-conversation--show-gathered (current-buffer)))))

(defun claude-agent-conversation--show-gathered (buffer)
  "Show what has gathered in BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (claude-agent-conversation--flush))))

(defun claude-agent-conversation--flush ()
  "Show what has gathered, now."
  (claude-agent-conversation--stop-timer)
  (let ((events (nreverse claude-agent-conversation--gathered)))
    (setq claude-agent-conversation--gathered nil)
    (while events
      (let* ((event (pop events))
             (kind (plist-get event :kind))
             (id (plist-get event :messageId))
             (texts (list (plist-get event :text))))
        (while (and events
                    (equal (plist-get (car events) :kind) kind)
                    (equal (plist-get (car events) :messageId) id))
          (push (plist-get (pop events) :text) texts))
        (claude-agent-conversation--append kind id (apply #'concat (nreverse texts)))))))

(defun claude-agent-conversation--stop-timer ()
  "Let nothing be shown later."
  (when claude-agent-conversation--timer
    (cancel-timer claude-agent-conversation--timer)
    (setq claude-agent-conversation--timer nil)))

(defun claude-agent-conversation-at-end (put)
  "Let PUT insert at the end of the buffer.
Point follows where it was at the end, in each window, and is left alone
elsewhere."
  (let* ((inhibit-read-only t)
         (end (point-max))
         (follows (= (point) end))
         (windows (claude-agent-conversation--following (current-buffer))))
    (save-excursion
      (goto-char end)
      (funcall put))
    (when follows
      (goto-char (point-max)))
    (mapc #'claude-agent-conversation-show-end windows)))

(defun claude-agent-conversation-show-end (window)
  "Let WINDOW show the end of its conversation."
  (set-window-point window (with-current-buffer (window-buffer window) (point-max))))

(defun claude-agent-conversation--following (buffer)
  "Return the windows in which point is at the end of BUFFER."
  (with-current-buffer buffer
    (seq-filter (lambda (window) (= (window-point window) (point-max)))
                (get-buffer-window-list nil nil t))))

(defun claude-agent-conversation--keep-following ()
  "Let windows that are at the end be there after the minibuffer, too.
Emacs puts back where they were before it, which was the end then."
  (let ((windows (mapcan #'claude-agent-conversation--following
                         (claude-agent-conversation-buffers))))
    (when windows
      (run-at-time
       0 nil
       (lambda ()
         (dolist (window windows)
           (when (and (window-live-p window)
                      (buffer-local-value 'claude-agent-conversation-folder
                                          (window-buffer window)))
             (claude-agent-conversation-show-end window))))))))

(defun claude-agent-conversation-begin (kind id)
  "Begin a block of KIND and ID at point, with an empty line before it."
  (unless (or (bobp)
              (and (member kind '("tool" "thinking"))
                   (member (car claude-agent-conversation--block) '("tool" "thinking"))))
    (insert (cond ((looking-back "\n\n" (- (point) 2)) "")
                  ((bolp) "\n")
                  (t "\n\n"))))
  (setq claude-agent-conversation--block (cons kind id)))

(defun claude-agent-conversation--heading (who)
  "Insert the heading of WHO."
  (insert (propertize (format "## %s" who)
                      'font-lock-face 'claude-agent-heading 'claude-agent-heading who)
          "\n\n"))

(defun claude-agent-conversation--append (kind id text)
  "Append TEXT to the block of KIND and ID; begin it if it is not at the end."
  (claude-agent-conversation-at-end
   (lambda ()
     (let ((goes-on (equal claude-agent-conversation--block (cons kind id))))
       (unless goes-on
         (claude-agent-conversation-begin kind id))
       (if (equal kind "text")
           (insert text)
         (unless goes-on
           (puthash kind (claude-agent-fold-insert "Thinking" nil)
                    claude-agent-conversation--calls))
         (claude-agent-fold-append (gethash kind claude-agent-conversation--calls)
                                   text 'claude-agent-dim))))))

(defun claude-agent-conversation--line (text face)
  "Append a line TEXT in FACE."
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "line" nil)
     (insert (propertize text 'font-lock-face face) "\n"))))

(defun claude-agent-conversation--call (call)
  "Append the tool CALL, folded."
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "tool" nil)
     (let ((fold (claude-agent-fold-insert
                  (plist-get call :title)
                  (claude-agent-files-places (plist-get call :locations)))))
       (puthash (plist-get call :toolCallId) fold claude-agent-conversation--calls)
       (claude-agent-fold-append fold (claude-agent-conversation--input (plist-get call :input))
                                 nil)))))

(defun claude-agent-conversation--input (input)
  "Return a tool's INPUT, a property list, for a person to read."
  (mapconcat (pcase-lambda (`(,key ,value))
               (format "%s: %s" (substring (symbol-name key) 1)
                       (if (stringp value) value (json-encode value))))
             (seq-partition input 2)
             "\n"))

(defun claude-agent-conversation--result (result)
  "Put a tool's RESULT into the fold of its call."
  (let ((fold (gethash (plist-get result :toolCallId) claude-agent-conversation--calls))
        (status (plist-get result :status))
        (inhibit-read-only t))
    (when fold
      (claude-agent-fold-note
       fold
       (pcase status ("completed" "done") (_ status))
       (if (equal status "completed") 'claude-agent-dim 'claude-agent-problem))
      (claude-agent-fold-append
       fold
       (concat "\n" (plist-get result :text)
               (and (eq (plist-get result :truncated) t) "\n… (truncated)"))
       'claude-agent-dim))))

(defun claude-agent-conversation--end (run)
  "Tell how RUN has ended."
  (setq claude-agent-conversation-run nil)
  (let ((status (plist-get run :status))
        (problem (plist-get run :error))
        (files (length (plist-get run :filesChanged)))
        (cost (or (plist-get run :costUsd) 0)))
    (claude-agent-files-make-links claude-agent-conversation-folder)
    (claude-agent-conversation--line
     (string-join
      (delq nil
            (list (pcase status
                    ("completed" "Done")
                    ("cancelled" "Stopped")
                    (_ (format "Failed: %s %s" (plist-get problem :message)
                               (or (plist-get problem :hint) ""))))
                  (and (> files 0) (format "%d file%s changed" files (if (= files 1) "" "s")))
                  (and (> cost 0) (format "$%.2f" cost))))
      ", ")
     (if (member status '("completed" "cancelled")) 'claude-agent-dim 'claude-agent-problem)))
  (claude-agent-conversation--set-activity nil))

(defun claude-agent-conversation--set-activity (activity)
  "Show ACTIVITY in the mode line."
  (unless (equal activity claude-agent-conversation-activity)
    (setq claude-agent-conversation-activity activity)
    (run-hooks 'claude-agent-conversation-activity-hook)
    (force-mode-line-update t)))

(defun claude-agent-conversation--mode-line ()
  "Return what the agent does, for the mode line."
  (and claude-agent-conversation-activity
       (format ": %s" (string-replace "%" "%%" claude-agent-conversation-activity))))

(provide 'claude-agent-conversation)
;;; claude-agent-conversation.el ends here

;;; claude-agent-rewind.el --- Files put back and forward  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Files are put back as they were before a prompt, and forward again: what would
;; be done is shown first, and done after a yes.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-files)
(require 'claude-agent-filing)
(require 'claude-agent-server)

(declare-function claude-agent--conversation "claude-agent")

(defun claude-agent-rewind--show (seen)
  "Show a preview, which is SEEN, in a buffer, and return that."
  (with-current-buffer (get-buffer-create "*Claude rewind*")
    (let ((inhibit-read-only t))
      (erase-buffer)
      (seq-doseq (each (plist-get seen :kept))
        (insert (format "# stays as it is: %s (%s)\n"
                        (claude-agent-server-path (plist-get each :uri))
                        (plist-get each :reason))))
      (seq-doseq (reason (plist-get seen :unseen))
        (insert (format "# not known, what commands have changed: %s\n" reason)))
      (seq-doseq (file (plist-get seen :files))
        (when (eq (plist-get file :merged) t)
          (insert (format "# what was changed since stays: %s\n"
                          (claude-agent-server-path (plist-get file :uri)))))
        (insert (plist-get file :diff))
        (when (plist-get file :truncated)
          (insert "\n# …\n"))))
    (diff-mode)
    (setq buffer-read-only t)
    (goto-char (point-min))
    (current-buffer)))

(defun claude-agent-rewind--do (buffer command argument done)
  "Have COMMAND with ARGUMENT done for BUFFER, and say that files are DONE."
  (with-current-buffer buffer
    (let ((folder claude-agent-conversation-folder))
      (claude-agent-server-call
       command (append argument '(:keepConflicts t))
       :success
       (lambda (answer)
         (claude-agent-files-follow folder)
         (let ((kept (length (plist-get answer :kept))))
           (message "%d files %s%s" (length (plist-get answer :filesChanged)) done
                    (if (zerop kept) "" (format ", %d left alone" kept)))))))))

(defun claude-agent-rewind--ask (buffer command argument done)
  "Show for BUFFER what COMMAND with ARGUMENT would do, and ask about it.
After a yes it is done, and said that files are DONE."
  (with-current-buffer buffer
    (claude-agent-server-call
     command (append argument '(:preview t))
     :success
     (lambda (seen)
       ;; Not from within the connection: the minibuffer takes its time.
       (run-at-time 0 nil #'claude-agent-rewind--decide buffer command argument done seen)))))

(defun claude-agent-rewind--decide (buffer command argument done seen)
  "Let the user decide for BUFFER about COMMAND with ARGUMENT; SEEN is its preview.
After a yes it is done, and said that files are DONE."
  (let ((count (length (plist-get seen :filesChanged)))
        (inhibit-quit nil))             ; a timer has it set
    (if (and (zerop count) (null (plist-get seen :kept)))
        (message "There is nothing to put back")
      (let ((shown (claude-agent-rewind--show seen)))
        (unwind-protect
            (progn
              (display-buffer shown)
              (when (and (yes-or-no-p (format "Change %d files as shown? " count))
                         (buffer-live-p buffer))
                (claude-agent-rewind--do buffer command argument done)))
          (when-let* ((window (get-buffer-window shown)))
            (quit-window nil window))
          (kill-buffer shown))))))

(defun claude-agent-rewind--choose (buffer messages)
  "Let the user choose a prompt of MESSAGES, and put the files of BUFFER back."
  (let* ((prompts (seq-filter (lambda (message)
                                (and (equal (plist-get message :role) "user")
                                     (null (plist-get message :kind))
                                     (null (plist-get message :parentToolCallId))))
                              (reverse messages)))
         (number (length prompts))
         (lines (seq-map (lambda (message)
                           (prog1 (cons (format "%d: %s" number
                                                (truncate-string-to-width
                                                 (car (split-string (plist-get message :text) "\n"))
                                                 60))
                                        (plist-get message :messageId))
                             (setq number (1- number))))
                         prompts))
         (inhibit-quit nil)             ; a timer has it set
         (chosen (cdr (assoc (completing-read "Put files back as they were before: "
                                              (claude-agent-filing--table lines) nil t)
                             lines))))
    (when (and chosen (buffer-live-p buffer))
      (claude-agent-rewind--ask
       buffer "session.rewind"
       (list :sessionId (buffer-local-value 'claude-agent-conversation-session buffer)
             :messageId chosen)
       "put back"))))

(defun claude-agent-rewind--read (buffer session cursor before)
  "Read for BUFFER the messages of SESSION from CURSOR on, behind those BEFORE."
  (claude-agent-server-call
   "session.read" (append (list :sessionId session :limit 1000)
                          (and cursor (list :cursor cursor)))
   :success
   (lambda (answer)
     (let ((messages (append before (plist-get answer :messages) nil)))
       (if-let* ((next (plist-get answer :nextCursor)))
           (claude-agent-rewind--read buffer session next messages)
         (run-at-time 0 nil #'claude-agent-rewind--choose buffer messages))))))

;;;###autoload
(defun claude-agent-rewind ()
  "Choose a prompt of this project's session, and put files back to before it.
What would be done is shown first.  What others have changed since stays; where
it can't, the file is left alone.  `claude-agent-redo' undoes it."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-rewind--read (current-buffer) (claude-agent-filing-session) nil nil)))

;;;###autoload
(defun claude-agent-redo ()
  "Take the last rewind of this project's session back."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-rewind--ask (current-buffer) "session.redo"
                              (list :sessionId (claude-agent-filing-session))
                              "as before the rewind")))

(provide 'claude-agent-rewind)
;;; claude-agent-rewind.el ends here

;;; claude-agent-code.el --- Reviews of code, and messages of commits  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What is found in a review is listed as a compilation's errors are, so that `next-error' goes from
;; one to the next.  The message of a commit is inserted where the user writes it.

;;; Code:

(require 'compile)
(require 'seq)
(require 'claude-agent-context)
(require 'claude-agent-server)

(defvar claude-agent-conversation-folder)
(declare-function claude-agent--conversation "claude-agent" ())

(defconst claude-agent-code--severities ["error" "warning" "info" "info"]
  "What each severity of LSP is called in a list of errors.")

;;;###autoload
(defun claude-agent-review (subject)
  "Have SUBJECT reviewed, and list what is found.
That is the region if it is active, else \"changes\": what is not committed,
\"branch\": what the branch changes, or \"file\": the current one."
  (interactive
   (list (if (use-region-p) "selection"
           (completing-read "Review: " '("changes" "branch" "file") nil t nil nil "changes"))))
  (let ((context (and (member subject '("file" "selection")) (claude-agent-context)))
        (folder (claude-agent-code--folder)))
    (when (and (member subject '("file" "selection")) (null context))
      (user-error "This buffer has no local file"))
    (message "Claude reviews…")
    (claude-agent-server-call
     "review.run"
     (append (list :subject subject :wait t)
             (when context (list :context context)))
     :folder folder
     :success (lambda (answer)
                (claude-agent-code--list folder (append (plist-get answer :findings) nil))))))

(defun claude-agent-code--list (folder findings)
  "Show FINDINGS in FOLDER, if there are any."
  (if (null findings)
      (message "Claude's review: nothing was found")
    (with-current-buffer (get-buffer-create "*claude-agent review*")
      (let ((inhibit-read-only t))
        (erase-buffer)
        (setq default-directory (file-name-as-directory folder))
        (insert (format "What Claude has found in %s:\n\n" (abbreviate-file-name folder)))
        (dolist (finding findings)
          (insert (claude-agent-code--line finding folder) "\n")))
      (compilation-mode "Review")
      (goto-char (point-min))
      (setq next-error-last-buffer (current-buffer))
      (display-buffer (current-buffer)))))

(defun claude-agent-code--line (finding folder)
  "Return FINDING in FOLDER as a compiler would tell of it."
  (let ((start (plist-get (plist-get finding :range) :start)))
    (format "%s:%d:%d: %s: %s"
            (file-relative-name (claude-agent-server-path (plist-get finding :uri)) folder)
            (1+ (plist-get start :line))
            (1+ (plist-get start :character))
            (aref claude-agent-code--severities (1- (plist-get finding :severity)))
            (string-replace "\n" "\n    " (plist-get finding :message)))))

;;;###autoload
(defun claude-agent-commit-message ()
  "Insert the message of a commit of what is staged.
In a buffer that can't be written to it is put on the kill ring."
  (interactive)
  (let ((buffer (current-buffer)))
    (message "Claude writes the message…")
    (claude-agent-server-call
     "commitMessage" nil
     :folder (claude-agent-code--folder)
     :success
     (lambda (answer)
       (let ((text (plist-get answer :message)))
         (if (and (buffer-live-p buffer) (not (buffer-local-value 'buffer-read-only buffer)))
             (with-current-buffer buffer
               (insert text)
               (message "Claude has written the message"))
           (kill-new text)
           (message "The message can be yanked: %s" (car (split-string text "\n")))))))))

(defun claude-agent-code--folder ()
  "Return the folder that the current buffer belongs to."
  (buffer-local-value 'claude-agent-conversation-folder (claude-agent--conversation)))

(provide 'claude-agent-code)
;;; claude-agent-code.el ends here

;;; claude-agent-filing.el --- Sessions as a whole  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What is done with a session as a whole: it is found by what was said in it,
;; pinned, archived, exported, imported.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-server)
(require 'claude-agent-sessions)

(declare-function claude-agent--conversation "claude-agent")
(declare-function claude-agent--must-rest "claude-agent")
(declare-function claude-agent--show "claude-agent")

(defun claude-agent-filing-search (buffer words continue)
  "Let the user choose for BUFFER of the sessions in which WORDS were said.
Then call CONTINUE there."
  (with-current-buffer buffer
    (claude-agent-server-call
     "session.list" (list :search words :matches t)
     :folder claude-agent-conversation-folder
     :success
     (lambda (answer)
       (let ((lines (seq-mapcat #'claude-agent-filing--lines (plist-get answer :sessions)))
             (searched (plist-get answer :searched)))
         ;; Not from within the connection: the minibuffer takes its time.
         (run-at-time 0 nil #'claude-agent-filing--ask buffer words lines searched continue))))))

(defun claude-agent-filing--lines (session)
  "Return the lines of SESSION that fit, each with the session."
  (let ((title (or (plist-get session :title) "(no title)"))
        (id (substring (plist-get session :sessionId) 0 8)))
    (or (seq-map (lambda (match)
                   (cons (format "%s <%s>: %s" title id (plist-get match :line)) session))
                 (plist-get session :matches))
        (list (cons (format "%s <%s>" title id) session)))))

(defun claude-agent-filing--ask (buffer words lines searched continue)
  "Let the user choose of LINES that hold WORDS for BUFFER; then call CONTINUE.
SEARCHED tells how many sessions have been read."
  (when (< (plist-get searched :done) (plist-get searched :total))
    (message "Only %d of %d sessions have been read yet; search again for more"
             (plist-get searched :done) (plist-get searched :total)))
  (if (null lines)
      (message "Nothing was said here with %s in it" words)
    (let* ((inhibit-quit nil)           ; a timer has it set
           (chosen (cdr (assoc (completing-read
                                (format "Sessions with %s: " words)
                                (claude-agent-filing--table lines) nil t)
                               lines))))
      (when (and chosen (buffer-live-p buffer))
        (claude-agent-sessions-open buffer (plist-get chosen :sessionId) continue)))))

(defun claude-agent-filing--table (lines)
  "Return a completion table of LINES in their order, the best first."
  (lambda (string predicate action)
    (if (eq action 'metadata)
        '(metadata (category . claude-agent-session)
                   (display-sort-function . identity)
                   (cycle-sort-function . identity))
      (complete-with-action action lines string predicate))))

(defun claude-agent-filing-session ()
  "Return the id of this buffer's session."
  (or claude-agent-conversation-session
      (user-error "There is no session here yet")))

(defun claude-agent-filing-pin (undo)
  "Show this buffer's session before all others; with UNDO, no more."
  (claude-agent-server-call
   "session.pin"
   (list :sessionId (claude-agent-filing-session) :pinned (if undo :json-false t))
   :success (lambda (_) (message "The session is %s" (if undo "pinned no more" "pinned")))))

(defun claude-agent-filing-archive (undo)
  "Leave this buffer's session out of lists; with UNDO, no more."
  (claude-agent-server-call
   "session.archive"
   (list :sessionId (claude-agent-filing-session) :archived (if undo :json-false t))
   :success (lambda (_) (message "The session is %s" (if undo "archived no more" "archived")))))

(defun claude-agent-filing-export (file)
  "Write this buffer's session to FILE in the form of its name."
  (let ((format (cdr (assoc (file-name-extension file)
                            '(("md" . "markdown") ("html" . "html") ("jsonl" . "jsonl"))))))
    (unless format
      (user-error "Name a file that ends with .md, .html or .jsonl"))
    (claude-agent-server-call
     "session.export"
     (list :sessionId (claude-agent-filing-session) :format format
           :uri (claude-agent-server-uri (expand-file-name file)))
     :success (lambda (_) (message "Wrote %s" file)))))

(defun claude-agent-filing-import (buffer file continue)
  "Bring FILE, or all in a directory, to BUFFER's folder; show the first.
Then call CONTINUE there."
  (with-current-buffer buffer
    (claude-agent-server-call
     "session.import" (list :uri (claude-agent-server-uri (expand-file-name file)))
     :folder claude-agent-conversation-folder
     :success
     (lambda (answer)
       (let* ((files (append (plist-get answer :files) nil))
              (count (lambda (outcome)
                       (seq-count (lambda (each) (equal (plist-get each :outcome) outcome)) files)))
              (first (seq-some (lambda (each) (plist-get each :sessionId)) files)))
         (message "Imported %d, %d here already, %d refused"
                  (funcall count "imported") (funcall count "known") (funcall count "refused"))
         (when (and first (buffer-live-p buffer))
           (claude-agent-sessions-open buffer first continue)))))))

;;;###autoload
(defun claude-agent-pin (&optional undo)
  "Show this project's session before all others; with a prefix UNDO it."
  (interactive "P")
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-filing-pin undo)))

;;;###autoload
(defun claude-agent-archive (&optional undo)
  "Leave this project's session out of lists; with a prefix UNDO it."
  (interactive "P")
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-filing-archive undo)))

;;;###autoload
(defun claude-agent-export (file)
  "Write this project's session to FILE.
A name with .md is to be read, .html is a page to be sent, with secrets masked,
and .jsonl is the transcript, to be imported elsewhere."
  (interactive "FExport to (.md, .html, .jsonl): ")
  (with-current-buffer (claude-agent--conversation)
    (claude-agent-filing-export file)))

;;;###autoload
(defun claude-agent-search (words)
  "Choose of this project's sessions in which WORDS were said, and show it.
They are searched in prompts, answers, tool calls and the names of files."
  (interactive (list (read-string "Search what was said: ")))
  (with-current-buffer (claude-agent--conversation)
    (claude-agent--must-rest)
    (let ((buffer (current-buffer)))
      (claude-agent-filing-search buffer words (lambda () (claude-agent--show buffer))))))

;;;###autoload
(defun claude-agent-import (file)
  "Bring a session of another machine from FILE to this project, and show it.
All transcripts in a directory are brought."
  (interactive "fImport: ")
  (with-current-buffer (claude-agent--conversation)
    (claude-agent--must-rest)
    (let ((buffer (current-buffer)))
      (claude-agent-filing-import buffer file (lambda () (claude-agent--show buffer))))))

(provide 'claude-agent-filing)
;;; claude-agent-filing.el ends here

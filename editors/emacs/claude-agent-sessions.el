;;; claude-agent-sessions.el --- Choosing and showing sessions  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A conversation's buffer shows one of its folder's sessions; which one, is chosen here.

;;; Code:

(require 'iso8601)
(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-history)
(require 'claude-agent-queue)
(require 'claude-agent-server)
(require 'claude-agent-watching)

(defvar-local claude-agent-sessions-shown nil
  "Whether the conversation shows all that was said in its session.")

(defun claude-agent-sessions-with-history (buffer new continue)
  "Show what was said in BUFFER, unless NEW; then call CONTINUE there."
  (with-current-buffer buffer
    (if (or new claude-agent-sessions-shown)
        (progn (setq claude-agent-sessions-shown t)
               (funcall continue))
      (claude-agent-sessions-show-current buffer continue))))

(defun claude-agent-sessions-show-current (buffer &optional continue)
  "Show the current session of BUFFER's folder; then call CONTINUE there."
  (with-current-buffer buffer
    (claude-agent-server-call
     "session.list" '(:limit 1000)
     :folder claude-agent-conversation-folder
     :failure (claude-agent-sessions--failing buffer)
     :success
     (lambda (answer)
       (let ((current (seq-find (lambda (session) (eq (plist-get session :current) t))
                                (plist-get answer :sessions))))
         (if current
             (claude-agent-sessions--show buffer (plist-get current :sessionId) continue)
           (claude-agent-sessions--then buffer continue)))))))

(defun claude-agent-sessions-choose (buffer continue)
  "Let the user choose a session for BUFFER; show it, then call CONTINUE."
  (with-current-buffer buffer
    (claude-agent-server-call
     "session.list" '(:limit 1000)
     :folder claude-agent-conversation-folder
     :success
     (lambda (answer)
       ;; Not from within the connection: the minibuffer takes its time.
       (run-at-time 0 nil #'claude-agent-sessions--ask buffer
                    (append (plist-get answer :sessions) nil) continue)))))

(defun claude-agent-sessions--ask (buffer sessions continue)
  "Let the user choose of SESSIONS for BUFFER; show it, then call CONTINUE."
  (if (null sessions)
      (message "This folder has no sessions yet")
    (let* ((inhibit-quit nil)           ; a timer has it set
           (titles (claude-agent-sessions--titles sessions))
           (chosen (cdr (assoc (completing-read
                                "Session: " (claude-agent-sessions--table titles) nil t)
                               titles))))
      (when (and chosen (buffer-live-p buffer))
        (claude-agent-sessions-open buffer (plist-get chosen :sessionId) continue)))))

(defun claude-agent-sessions-open (buffer id continue)
  "Go on in BUFFER with session ID: show it, then call CONTINUE there."
  (with-current-buffer buffer
    (claude-agent-server-call
     "session.select" (list :sessionId id)
     :folder claude-agent-conversation-folder
     :success (lambda (_) (claude-agent-sessions--show buffer id continue)))))

(defun claude-agent-sessions--titles (sessions)
  "Return SESSIONS by their titles, each of which is unique."
  (let (titles)
    (dolist (session sessions (nreverse titles))
      (let* ((title (or (plist-get session :title) "(no title)"))
             (key (if (assoc title titles)
                      (format "%s <%s>" title
                              (substring (plist-get session :sessionId) 0 8))
                    title)))
        (push (cons key session) titles)))))

(defun claude-agent-sessions--table (titles)
  "Return a completion table of TITLES in their order, with annotations."
  (lambda (string predicate action)
    (if (eq action 'metadata)
        `(metadata
          (category . claude-agent-session)
          (display-sort-function . identity)
          (cycle-sort-function . identity)
          (affixation-function
           . ,(lambda (keys)
                (mapcar (lambda (key)
                          (claude-agent-sessions--affixed key (cdr (assoc key titles))))
                        keys))))
      (complete-with-action action titles string predicate))))

(defun claude-agent-sessions--affixed (title session)
  "Return TITLE of SESSION, with what stands before and behind it."
  (let ((is (lambda (key) (eq (plist-get session key) t))))
    (list title
          (if (funcall is :current) "* " "  ")
          (propertize
           (concat
            (propertize " " 'display '(space :align-to 60))
            (format-time-string
             "  %F %R" (encode-time (iso8601-parse (plist-get session :lastModified))))
            (and (funcall is :pinned) "  pinned")
            (and (funcall is :running) "  running")
            (and (funcall is :interrupted) "  interrupted")
            (and (equal (plist-get session :origin) "terminal") "  terminal")
            (claude-agent-sessions--from session)
            (and (plist-get session :goesAt)
                 (format "  deleted on %s" (substring (plist-get session :goesAt) 0 10)))
            (and (plist-get session :gitBranch)
                 (format "  %s" (plist-get session :gitBranch))))
           'face 'completions-annotations))))

(defun claude-agent-sessions--from (session)
  "Return which other folder SESSION is from, or nil."
  (let ((elsewhere (plist-get session :elsewhere))
        (folder (abbreviate-file-name
                 (claude-agent-server-path (plist-get session :workspace)))))
    (cond ((equal elsewhere "gone") (format "  from %s, which is gone" folder))
          ((equal elsewhere "worktree") (format "  in %s" folder)))))

(defun claude-agent-sessions--show (buffer id continue &optional cursor before)
  "Show what was said in session ID in BUFFER, then call CONTINUE there.
CURSOR tells where to read on, BEFORE are the messages before it."
  (claude-agent-server-call
   "session.read" (append (list :sessionId id :limit 1000) (and cursor (list :cursor cursor)))
   :failure (claude-agent-sessions--failing buffer)
   :success
   (lambda (answer)
     (let ((messages (append before (plist-get answer :messages) nil))
           (next (plist-get answer :nextCursor)))
       (cond
        (next (claude-agent-sessions--show buffer id continue next messages))
        (t (claude-agent-watching-begin
            id messages
            (lambda (messages)
              (claude-agent-sessions--fill buffer id messages continue)))))))))

(defun claude-agent-sessions--fill (buffer id messages continue)
  "Show the MESSAGES of session ID in BUFFER, then call CONTINUE there."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (claude-agent-conversation-clear id)
      (claude-agent-history-show messages)
      (goto-char (point-max))
      (mapc #'claude-agent-following-show-end (get-buffer-window-list nil nil t)))
    (claude-agent-queue-look buffer)
    (claude-agent-sessions--then buffer continue)))

(defun claude-agent-sessions--failing (buffer)
  "Return a function to tell in BUFFER why there is no session."
  (lambda (text)
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (claude-agent-conversation-fail-run text)))))

(defun claude-agent-sessions--then (buffer continue)
  "Call CONTINUE in BUFFER, now that its session is shown."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq claude-agent-sessions-shown t)
      (when continue
        (funcall continue)))))

(provide 'claude-agent-sessions)
;;; claude-agent-sessions.el ends here

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
(require 'claude-agent-faces)
(require 'claude-agent-fold)
(require 'claude-agent-files)
(require 'claude-agent-following)
(require 'claude-agent-headings)
(require 'claude-agent-server)

(defcustom claude-agent-conversation-interval 0.1
  "Seconds between two times that streamed text is shown."
  :type 'number
  :group 'claude-agent)

(defvar-local claude-agent-conversation-folder nil
  "The project's folder.")

(defvar-local claude-agent-conversation-session nil
  "The session's id, or nil for a new one.")

(defvar-local claude-agent-conversation-run nil
  "The id of the run at work, t as long as the server has not told it, or nil.")

(defvar-local claude-agent-conversation-waiting nil
  "What waits for the run at work, in a few words, or nil.")

(defvar-local claude-agent-conversation-activity nil
  "What the agent does, in a few words, or nil.")

(defvar-local claude-agent-conversation--asked nil
  "The titles of the questions that are open, by their ids.")

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

(define-derived-mode claude-agent-conversation-mode special-mode "Claude"
  "Major mode of a conversation with the Claude agent.

\\{claude-agent-conversation-mode-map}"
  (setq-local font-lock-defaults '(claude-agent-font-lock t)
              word-wrap t
              truncate-lines nil
              scroll-conservatively 101
              buffer-undo-list t
              ;; An answer may be one long line, which is drawn anew for each piece of it.
              bidi-inhibit-bpa t
              mode-line-process '(:eval (claude-agent-queue-mode-line))
              claude-agent-conversation--calls (make-hash-table :test #'equal))
  (add-hook 'kill-buffer-hook #'claude-agent-conversation--stop-timer nil t)
  (add-hook 'minibuffer-exit-hook #'claude-agent-following-keep)
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
        claude-agent-conversation-waiting nil
        claude-agent-conversation--gathered nil
        claude-agent-conversation--block nil)
  (claude-agent-conversation--set-activity nil))

(defun claude-agent-conversation-nest-words (event)
  "Put the words of a subagent's EVENT below its call: a line, and the rest folded."
  (let* ((thinks (equal (plist-get event :kind) "thinking"))
         (text (string-trim (plist-get event :text)))
         (lines (and (not thinks) (split-string text "\n"))))
    (claude-agent-conversation--nest event (if thinks "Thinking" (car lines)) nil
                                     (if thinks text (string-join (cdr lines) "\n"))
                                     (and thinks 'claude-agent-dim))))

(defun claude-agent-conversation--nest (event title places body &optional face)
  "Return a new fold for EVENT with TITLE, PLACES, and BODY in FACE.
One of a subagent's stands below its call, and without that at the end."
  (let* ((id (plist-get event :parentToolCallId))
         (parent (gethash id claude-agent-conversation--calls))
         fold)
    (claude-agent-conversation-at-end
     (lambda ()
       (setq fold
             (if parent
                 (claude-agent-fold-nest parent title places)
               (claude-agent-conversation-begin "tool" nil)
               (claude-agent-fold-set-in (if id 1 0) title places)))
       (claude-agent-fold-append fold body face)))
    fold))

(defun claude-agent-conversation-aside (text &optional face)
  "Append TEXT in FACE, which stands between what was said."
  (claude-agent-conversation--flush)
  (claude-agent-conversation--line text (or face 'claude-agent-dim))
  (setq claude-agent-conversation--block nil))

(defun claude-agent-conversation-show-prompt (prompt)
  "Append PROMPT, if there is one, and the heading of its answer."
  (claude-agent-conversation--flush)
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "prompt" nil)
     (when prompt
       (claude-agent-headings-insert "You")
       (insert prompt "\n\n"))
     (claude-agent-headings-insert "Claude")))
  (setq claude-agent-conversation--block nil))

(defun claude-agent-conversation-show-cause (cause)
  "Append CAUSE, the reason for a run of the agent's own."
  (claude-agent-conversation-show-prompt nil)
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
    (cond
     ((not (member kind '("text" "thinking"))) (claude-agent-conversation--flush))
     ((plist-get event :parentToolCallId) (claude-agent-conversation-nest-words event))
     (t (claude-agent-conversation--gather event)))
    (pcase kind
      ("started"
       (let ((run (plist-get event :run)))
         (setq claude-agent-conversation-run (plist-get run :runId)
               claude-agent-conversation-session (plist-get run :sessionId)))
       (claude-agent-conversation--go-on "Waiting for the model"))
      ("text" (claude-agent-conversation--go-on "Answering"))
      ("thinking" (claude-agent-conversation--go-on "Thinking"))
      ("retracted" (claude-agent-conversation--retract event))
      ("toolCall"
       (claude-agent-conversation-call event)
       (claude-agent-conversation--go-on (plist-get event :title)))
      ("toolResult"
       (claude-agent-conversation-result event)
       (claude-agent-conversation--go-on "Waiting for the model"))
      ("question"
       (let ((question (plist-get event :question)))
         (push (cons (plist-get question :questionId) (plist-get question :title))
               claude-agent-conversation--asked))
       (claude-agent-conversation--go-on ""))
      ("steered" (claude-agent-conversation-show-prompt (plist-get event :text)))
      ("questionAnswered"
       (setq claude-agent-conversation--asked
             (assoc-delete-all (plist-get event :questionId) claude-agent-conversation--asked))
       (claude-agent-conversation--go-on "Continuing"))
      ("notice" (claude-agent-conversation-notice event))
      ("compacted" (claude-agent-conversation-compacted event))
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
        (claude-agent-conversation-append kind id (apply #'concat (nreverse texts)))))))

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
         (windows (claude-agent-following-windows (current-buffer))))
    (save-excursion
      (goto-char end)
      (funcall put)
      (claude-agent-headings-look end))
    (when follows
      (goto-char (point-max)))
    (mapc #'claude-agent-following-show-end windows)))

(defun claude-agent-conversation-begin (kind id)
  "Begin a block of KIND and ID at point, with an empty line before it."
  (unless (or (bobp)
              (and (member kind '("tool" "thinking"))
                   (member (car claude-agent-conversation--block) '("tool" "thinking"))))
    (insert (cond ((looking-back "\n\n" (- (point) 2)) "")
                  ((bolp) "\n")
                  (t "\n\n"))))
  (setq claude-agent-conversation--block (cons kind id)))

(defun claude-agent-conversation-append (kind id text)
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

(defun claude-agent-conversation--retract (event)
  "Strike out the words of EVENT, if they are the last ones in the buffer."
  (let ((length (length (plist-get event :text)))
        (inhibit-read-only t))
    (when (equal claude-agent-conversation--block (cons "text" (plist-get event :messageId)))
      (put-text-property (max (point-min) (- (point-max) length)) (point-max)
                         'font-lock-face 'claude-agent-retracted)
      (setq claude-agent-conversation--block nil))))

(defun claude-agent-conversation--line (text face)
  "Append a line TEXT in FACE."
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "line" nil)
     (insert (propertize text 'font-lock-face face) "\n"))))

(defun claude-agent-conversation-call (call)
  "Append the tool CALL, folded."
  (puthash (plist-get call :toolCallId)
           (claude-agent-conversation--nest
            call (plist-get call :title)
            (claude-agent-files-places (plist-get call :locations))
            (claude-agent-fold-fields (plist-get call :input)))
           claude-agent-conversation--calls))

(defun claude-agent-conversation-result (result)
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
  "Tell how RUN, which was at work here, has ended."
  (setq claude-agent-conversation-run nil)
  (when (plist-get run :nextSessionId) ; it was cleared
    (setq claude-agent-conversation-session (plist-get run :nextSessionId)))
  (claude-agent-conversation-outcome run)
  (claude-agent-conversation--set-activity nil))

(defun claude-agent-conversation-notice (event)
  "Append the notice EVENT."
  (claude-agent-conversation--line
   (plist-get event :text)
   (if (equal (plist-get event :level) "info") 'claude-agent-dim 'claude-agent-problem)))

(defun claude-agent-conversation-compacted (event)
  "Append that the conversation was compacted, as EVENT has it."
  (claude-agent-conversation--line
   (format "The conversation was compacted, from %d tokens to %s."
           (plist-get event :tokensBefore) (or (plist-get event :tokensAfter) "fewer"))
   'claude-agent-dim))

(defun claude-agent-conversation-outcome (run)
  "Append how RUN has ended."
  (let ((status (plist-get run :status))
        (problem (plist-get run :error))
        (files (length (plist-get run :filesChanged)))
        (cost (or (plist-get run :costUsd) 0))
        (blocked (plist-get run :blocked)))
    (when blocked
      (claude-agent-conversation--line
       (concat "A hook has blocked this prompt. " (plist-get blocked :hint))
       'claude-agent-problem))
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
     (if (member status '("completed" "cancelled")) 'claude-agent-dim 'claude-agent-problem))))

(defun claude-agent-conversation--go-on (activity)
  "Show ACTIVITY in the mode line; as long as a question is open, that it waits."
  (let ((question (cdar (last claude-agent-conversation--asked))))
    (claude-agent-conversation--set-activity
     (if question (concat "Waiting for you: " question) activity))))

(defun claude-agent-conversation--set-activity (activity)
  "Show ACTIVITY in the mode line."
  (unless activity                      ; no run, and no question of one
    (setq claude-agent-conversation--asked nil))
  (unless (equal activity claude-agent-conversation-activity)
    (setq claude-agent-conversation-activity activity)
    (run-hooks 'claude-agent-conversation-activity-hook)
    (force-mode-line-update t)))

(provide 'claude-agent-conversation)
;;; claude-agent-conversation.el ends here

;;; claude-agent-questions.el --- Questions of the agent  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; When the agent needs leave for a tool, it asks in the minibuffer: once the user rests, so that
;; no key that was meant for a text answers it.  \[keyboard-quit] leaves the question open, for
;; `claude-agent-questions'; it also has buttons in the conversation.

;;; Code:

(require 'button)
(require 'cl-lib)
(require 'crm)
(require 'map)
(require 'seq)
(require 'subr-x)
(require 'text-property-search)
(require 'claude-agent-conversation)
(require 'claude-agent-server)

(defcustom claude-agent-questions-delay 0.5
  "Seconds without a key after which a question is asked in the minibuffer.
If nil, questions are only told, and asked by `claude-agent-questions'."
  :type '(choice number (const :tag "Only tell" nil))
  :group 'claude-agent)

(defconst claude-agent-questions--longest 500
  "How many characters of each part of a question stand in the minibuffer.
The conversation has all of them.")

(defvar claude-agent-questions--open nil
  "The questions that wait, the oldest first: (QUESTION . BUFFER).")

(defconst claude-agent-questions--seen-seconds 0.7
  "How long a question has to be shown before the server takes an answer.")

(defvar claude-agent-questions--shown (make-hash-table :test #'equal)
  "When each of those that wait was shown first, by its id.")

(defvar claude-agent-questions--replies (make-hash-table :test #'equal)
  "Functions that answer those that are no part of a run, by their ids.")

(defvar claude-agent-questions--put-off nil
  "The ids of those that the user has put off.")

(defvar claude-agent-questions--asking nil
  "The id of the one that is in the minibuffer, or nil.")

(defvar claude-agent-questions--left nil
  "When the last one has left the minibuffer, behind how many keys: (TIME . KEYS).")

(defvar claude-agent-questions--timer nil
  "Looks whether the user rests.")

(define-button-type 'claude-agent-answer
  'action #'claude-agent-questions--press
  'follow-link t
  'help-echo "Answer so")

;;;###autoload
(defun claude-agent-questions ()
  "Answer a question of the agent that waits."
  (interactive)
  (unless (claude-agent-server-running-p)
    (user-error "There is no open question"))
  (claude-agent-server-call
   "question.list" nil
   :success
   (lambda (answer)
     ;; Not from within the connection: the minibuffer takes its time.
     (run-at-time 0 nil #'claude-agent-questions--choose
                  (append (plist-get answer :questions) nil)))))

(defun claude-agent-questions-waiting-p ()
  "Return whether a question waits."
  (consp claude-agent-questions--open))

(defun claude-agent-questions-take (event)
  "Show or settle the question of EVENT in the current conversation."
  (pcase (plist-get event :kind)
    ("question"
     (claude-agent-questions--add (plist-get event :question) (current-buffer)))
    ("questionAnswered"
     (claude-agent-questions--settle
      (plist-get event :questionId) (plist-get event :answer) (plist-get event :by)))
    ("ended" (claude-agent-questions-withdraw (current-buffer)))))

(defun claude-agent-questions-withdraw (buffer)
  "Settle the questions of the run in BUFFER: it has ended."
  (dolist (each claude-agent-questions--open)
    (when (and (eq (cdr each) buffer)
               (not (gethash (plist-get (car each) :questionId) claude-agent-questions--replies)))
      (claude-agent-questions--settle (plist-get (car each) :questionId) nil "withdrawn"))))

(defun claude-agent-questions--add (question buffer)
  "Take QUESTION among those that wait, and show it in BUFFER, if that is not nil."
  (when buffer
    (with-current-buffer buffer
      (claude-agent-questions--show question)))
  (puthash (plist-get question :questionId) (float-time) claude-agent-questions--shown)
  (setq claude-agent-questions--open
        (append claude-agent-questions--open (list (cons question buffer))))
  (message "Claude: %s  %s" (plist-get question :title)
           (substitute-command-keys "\\[claude-agent-questions] answers"))
  (claude-agent-questions--watch))

(defun claude-agent-questions--take-request (question reply)
  "Show QUESTION, which is no part of a run; REPLY answers it.
Return what settles it when it was answered otherwise."
  (let ((id (plist-get question :questionId)))
    (puthash id reply claude-agent-questions--replies)
    (claude-agent-questions--add
     question
     (seq-find (lambda (buffer)
                 (equal (buffer-local-value 'claude-agent-conversation-session buffer)
                        (plist-get question :sessionId)))
               (claude-agent-conversation-buffers)))
    (lambda () (claude-agent-questions--settle id nil "withdrawn"))))

(setq claude-agent-requests-question-function #'claude-agent-questions--take-request)

(defun claude-agent-questions--shortened (text limit &optional indent)
  "Return TEXT, of which LIMIT characters are kept, or all if that is nil.
INDENT stands before each line, so that none can be taken for another's."
  (let* ((more (if limit (- (length text) limit) 0))
         (kept (if (< 0 more) (substring text 0 limit) text)))
    (when indent
      (setq kept (concat indent (string-replace "\n" (concat "\n" indent) kept))))
    (if (< 0 more) (format "%s\n… (%d more characters)" kept more) kept)))

(defun claude-agent-questions--granted (how-long grants saved-in)
  "Return what GRANTS allow HOW-LONG, and that it is SAVED-IN a file, or nil."
  (let ((words (delete-dups (seq-map (lambda (grant) (plist-get grant :text)) grants))))
    (when words
      (concat how-long ": " (string-join words ", ") (and saved-in (concat ", in " saved-in))))))

(defun claude-agent-questions--about-options (options)
  "Return the lines that say what can be chosen of OPTIONS, and what it means."
  (mapconcat (lambda (option)
               (let ((about (plist-get option :description)))
                 (concat (plist-get option :label) (and about ": ") about)))
             (seq-remove (lambda (option) (equal (plist-get option :value) "deny")) options)
             "\n"))

(defun claude-agent-questions--call-text (question limit)
  "Return what QUESTION would let happen, and what the answers would allow.
LIMIT is how many characters are kept of what may be long, or nil."
  (pcase-let* (((map :kind :action :diff :notes :reason :grants) question)
               ((map :command :path :description) action)
               (cut (lambda (text &optional indent)
                      (and text (not (string-empty-p text))
                           (claude-agent-questions--shortened text limit indent))))
               (notes (mapconcat #'identity notes "\n"))
               ;; What a path ends with, and what trust would let happen, are never cut.
               (parts (list (funcall cut command "    ")
                            path
                            (funcall cut description "> ")
                            (funcall cut diff)
                            (if (equal kind "trust") notes (funcall cut notes))
                            (funcall cut reason)))
               (allowed (list (claude-agent-questions--granted
                               "For this session" (plist-get grants :session) nil)
                              (claude-agent-questions--granted
                               "Always" (plist-get grants :always) (plist-get grants :savedIn))))
               (done (string-join (delq nil parts) "\n"))
               (allows (string-join (delq nil allowed) "\n")))
    (cond ((string-empty-p done) (plist-get question :detail))
          ((string-empty-p allows) done)
          (t (concat done "\n\n" allows)))))

(defun claude-agent-questions--text (question &optional limit)
  "Return the text of QUESTION below its title, in the server's own words.
That is what would be done (a command is indented, the agent's description of
it is quoted), what else there is to know of it, why it is asked, and what the
answers would allow.  LIMIT is how many characters are kept of each part that
may be long; if it is nil, all are."
  (pcase (plist-get question :kind)
    ((guard (not (plist-get question :action))) (plist-get question :detail))
    ("plan" (claude-agent-questions--shortened
             (or (plist-get question :document) (plist-get question :detail)) limit))
    ("choice" (claude-agent-questions--about-options (plist-get question :options)))
    (_ (claude-agent-questions--call-text question limit))))

(defun claude-agent-questions--show (question)
  "Append QUESTION to the conversation, with its answers as buttons."
  (claude-agent-conversation-at-end
   (lambda ()
     (claude-agent-conversation-begin "question" nil)
     (insert (propertize (plist-get question :title) 'font-lock-face 'warning)
             "\n" (claude-agent-questions--text question) "\n")
     (let ((from (point)))
       (seq-doseq (option (plist-get question :options))
         (insert-text-button (format "[%s]" (plist-get option :label))
                             :type 'claude-agent-answer
                             'claude-agent-question (plist-get question :questionId)
                             'claude-agent-answer (plist-get option :value))
         (insert " "))
       (put-text-property from (point) 'claude-agent-question (plist-get question :questionId))
       (insert "\n")))))

(defun claude-agent-questions--outcome (question answer by)
  "Return in a few words how QUESTION was settled: by ANSWER, which came BY."
  (pcase by
    ("withdrawn" "Withdrawn")
    ("deadline" "Not answered in time")
    (_ (let ((option (seq-find (lambda (each) (equal (plist-get each :value) answer))
                               (plist-get question :options))))
         (format "Answer: %s" (or (plist-get option :label) answer))))))

(defun claude-agent-questions--settle (id answer by)
  "Forget the question ID, which was settled by ANSWER, and show that.
BY is how it came: \"editor\", \"command\", \"deadline\" or \"withdrawn\"."
  (pcase-let ((`(,question . ,buffer)
               (seq-find (lambda (each) (equal (plist-get (car each) :questionId) id))
                         claude-agent-questions--open)))
    (remhash id claude-agent-questions--shown)
    (remhash id claude-agent-questions--replies)
    (setq claude-agent-questions--open
          (seq-remove (lambda (each) (equal (plist-get (car each) :questionId) id))
                      claude-agent-questions--open)
          claude-agent-questions--put-off (delete id claude-agent-questions--put-off))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (save-excursion
          (goto-char (point-min))
          (let ((inhibit-read-only t)
                (buttons (text-property-search-forward 'claude-agent-question id #'equal)))
            (when buttons
              (goto-char (prop-match-beginning buttons))
              (delete-region (point) (prop-match-end buttons))
              (insert (propertize (claude-agent-questions--outcome question answer by)
                                  'font-lock-face 'claude-agent-dim)))))))
    (when (equal claude-agent-questions--asking id)
      (run-at-time 0 nil #'claude-agent-questions--dismiss id))))

(defun claude-agent-questions--dismiss (id)
  "Take the question ID from the minibuffer: it has been settled elsewhere."
  (when (and (equal claude-agent-questions--asking id) (active-minibuffer-window))
    (setq claude-agent-questions--asking nil)
    (with-selected-window (active-minibuffer-window)
      (abort-recursive-edit))))

(defun claude-agent-questions--watch ()
  "Ask as soon as the user rests."
  (when (and claude-agent-questions-delay (not claude-agent-questions--timer) (not noninteractive))
    (setq claude-agent-questions--timer
          (run-at-time 0.1 0.1 #'claude-agent-questions--offer))))

(defun claude-agent-questions--offer ()
  "Ask the first question that was not put off, if the user rests."
  (let ((question (car (seq-find (lambda (each)
                                   (not (member (plist-get (car each) :questionId)
                                                claude-agent-questions--put-off)))
                                 claude-agent-questions--open))))
    (cond
     ((null question)
      (cancel-timer claude-agent-questions--timer)
      (setq claude-agent-questions--timer nil))
     ((and (claude-agent-questions--free-p)
           (<= claude-agent-questions-delay (claude-agent-questions--rest)))
      (claude-agent-questions--ask question)))))

(defun claude-agent-questions--rest ()
  "Return for how many seconds no key was pressed; -1 while a command works."
  (pcase-let ((`(,time . ,keys) claude-agent-questions--left))
    (cond
     ((current-idle-time) (float-time (current-idle-time)))
     ;; Behind a minibuffer that a timer has opened Emacs is not idle before the next key.
     ((eql keys num-nonmacro-input-events) (- (float-time) time))
     (t -1))))

(defun claude-agent-questions--free-p ()
  "Return whether no key that comes next was meant for something else."
  (not (or (active-minibuffer-window) (input-pending-p) executing-kbd-macro defining-kbd-macro)))

(defun claude-agent-questions--choose (questions)
  "Let the user choose one of QUESTIONS, if there are several, and answer it."
  (pcase questions
    ('nil (message "There is no open question"))
    ((guard (not (claude-agent-questions--free-p)))
     (setq claude-agent-questions--put-off nil)
     (claude-agent-questions--watch))
    (`(,question) (claude-agent-questions--ask question))
    (_ (let* ((titles (seq-map-indexed
                       (lambda (question n)
                         (cons (format "%d. %s" (1+ n) (plist-get question :title)) question))
                       questions))
              (chosen (completing-read "Question: " titles nil t nil nil (caar titles))))
         (claude-agent-questions--ask (cdr (assoc chosen titles)))))))

(defun claude-agent-questions--read (question)
  "Read in the minibuffer what the user answers to QUESTION.
Return the value of an option, words of the user's own, or a vector of several."
  (let* ((options (mapcar (lambda (option)
                            (cons (plist-get option :label) (plist-get option :value)))
                          (plist-get question :options)))
         (default (caar options))
         (several (eq (plist-get question :multiple) t))
         (exact (not (eq (plist-get question :freeText) t)))
         (hint (concat (if several "several with ; between them, " "")
                       (if exact "" "or your own words, ")))
         (prompt (format "%s\n%s\n%s (%sdefault %s) "
                         (string-trim-right
                          (claude-agent-questions--text question claude-agent-questions--longest))
                         (mapconcat (lambda (option) (format "[%s]" (car option))) options " ")
                         (plist-get question :title)
                         hint
                         default))
         (value (lambda (label) (or (cdr (assoc-string label options t)) label)))
         (completion-ignore-case t))
    (if (not several)
        (funcall value (completing-read prompt options nil exact nil t default))
      (let* ((crm-separator "[ \t]*;[ \t]*")
             (labels (completing-read-multiple prompt options nil exact nil t default))
             (values (mapcar value labels)))
        (if (cdr values) (vconcat values) (car values))))))

(defun claude-agent-questions--ask (question)
  "Ask QUESTION in the minibuffer; it stays open after a quit."
  (let* ((id (plist-get question :questionId))
         (inhibit-quit nil)             ; a timer has it set
         answer)
    (setq claude-agent-questions--asking id)
    (unwind-protect
        (condition-case nil
            (setq answer (claude-agent-questions--read question))
          (quit nil))
      (setq claude-agent-questions--left (cons (float-time) num-nonmacro-input-events))
      (cond
       (answer
        (setq claude-agent-questions--asking nil)
        (claude-agent-questions--answer id answer))
       (claude-agent-questions--asking  ; not settled in the meantime
        (setq claude-agent-questions--asking nil)
        (cl-pushnew id claude-agent-questions--put-off :test #'equal)
        (message "%s" (substitute-command-keys
                       "The question stays open: \\[claude-agent-questions] answers it")))))))

(defun claude-agent-questions--answer (id answer)
  "Answer the question ID with ANSWER, once it has been shown for a moment."
  (let ((left (- (+ (gethash id claude-agent-questions--shown 0)
                    claude-agent-questions--seen-seconds)
                 (float-time))))
    (if (> left 0)
        (run-at-time left nil #'claude-agent-questions--answer id answer)
      (if-let* ((reply (gethash id claude-agent-questions--replies)))
          (progn
            (claude-agent-questions--settle id answer "editor")
            (funcall reply (list :answer answer)))
        (claude-agent-server-call "question.answer" (list :questionId id :answer answer))))))

(defun claude-agent-questions--press (button)
  "Give the answer that BUTTON stands for."
  (claude-agent-questions--answer (button-get button 'claude-agent-question)
                                  (button-get button 'claude-agent-answer)))

(provide 'claude-agent-questions)
;;; claude-agent-questions.el ends here

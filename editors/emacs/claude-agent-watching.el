;;; claude-agent-watching.el --- Sessions at work in other editors  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A session that is shown is watched: what other editors on this machine do in it is told by its
;; events, like what the agent does by itself.  Nothing here stops it, unless the user takes it over.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)
(require 'claude-agent-server)

(declare-function claude-agent--conversation "claude-agent")

(defvar-local claude-agent-watching--held nil
  "The id of the run at work here in another editor, and that editor, or nil.")

(defun claude-agent-watching-begin (id messages continue)
  "Watch session ID, and call CONTINUE with its MESSAGES as they are to be shown.
What is told by the events of a run at work is left out."
  (claude-agent-server-call
   "session.follow" (list :sessionId id)
   :failure (lambda (_) (funcall continue messages))
   :success
   (lambda (answer)
     (let ((first (plist-get answer :firstMessageId)))
       (funcall continue
                (seq-take-while (lambda (each)
                                  (not (and first (equal (plist-get each :messageId) first))))
                                messages))))))

(defun claude-agent-watching-note (run)
  "Take note of RUN, which is at work in the current conversation."
  (setq claude-agent-watching--held
        (and (plist-get run :heldBy) (cons (plist-get run :runId) (plist-get run :heldBy)))))

(defun claude-agent-watching-elsewhere-p (run)
  "Return whether RUN, an id, is at work in another editor."
  (and (stringp run) (equal run (car claude-agent-watching--held))))

(defun claude-agent-watching-refuse (run)
  "Refuse to stop RUN, an id, if it is another editor's."
  (when (claude-agent-watching-elsewhere-p run)
    (user-error "It is at work in %s: `claude-agent-take-over' stops it there"
                (cdr claude-agent-watching--held))))

;;;###autoload
(defun claude-agent-take-over ()
  "Stop the run that is shown here in the editor in which it is at work.
The session goes on here then.  What runs in its background ends only if you
say so."
  (interactive)
  (with-current-buffer (claude-agent--conversation)
    (unless (and claude-agent-watching--held claude-agent-conversation-run)
      (user-error "Nothing is at work here in another editor"))
    (claude-agent-watching--take-over (current-buffer) nil)))

(defun claude-agent-watching--take-over (buffer agreed)
  "Take the session of BUFFER over; with AGREED its background may end."
  (claude-agent-server-call
   "session.takeOver"
   (list :sessionId (buffer-local-value 'claude-agent-conversation-session buffer)
         :endBackground (if agreed t :json-false))
   :problem
   (lambda (problem text)
     (let ((lost (plist-get (plist-get problem :data) :keptFor)))
       (if (or agreed (not lost))
           (message "Claude: %s" text)
         ;; Not from within the connection: the minibuffer takes its time.
         (run-at-time 0 nil #'claude-agent-watching--ask buffer lost))))))

(defun claude-agent-watching--ask (buffer lost)
  "Take over the session of BUFFER if what is LOST by that may end."
  (let ((inhibit-quit nil))             ; a timer has it set
    (when (and (yes-or-no-p (format "It would end: %s.  Take it over? " lost))
               (buffer-live-p buffer))
      (claude-agent-watching--take-over buffer t))))

(provide 'claude-agent-watching)
;;; claude-agent-watching.el ends here

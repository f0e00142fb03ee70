;;; claude-agent-runs.el --- From a prompt to the end of its run  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; How what was asked in a conversation is sent, what its events do, and how it is stopped.  A
;; conversation whose buffer is killed is stopped with it: nobody could see or stop it any more.

;;; Code:

(require 'claude-agent-context)
(require 'claude-agent-conversation)
(require 'claude-agent-files)
(require 'claude-agent-questions)
(require 'claude-agent-server)
(require 'claude-agent-watching)

(defvar-local claude-agent-runs-permission-mode nil
  "The permission mode for a session that is not there yet.")

(defun claude-agent-runs-stop ()
  "Stop the run at work in the current conversation, if there is one."
  (pcase claude-agent-conversation-run
    ;; The run's id is still on its way, and is waited for.
    ('t (setq claude-agent-conversation-run 'stop))
    ((or 'nil 'stop) nil)
    (run (claude-agent-runs--cancel run))))

(defun claude-agent-runs-wait (prompt context if-busy &optional instead)
  "Send PROMPT with CONTEXT while a run is at work; it is shown in its turn.
IF-BUSY says whether it goes into the turn at work, and INSTEAD whether that is
stopped for it."
  (let* ((buffer (current-buffer))
         (begun nil)
         (token (claude-agent-server-listen
                 (lambda (event)
                   (let ((run (plist-get event :run))
                         (kind (plist-get event :kind)))
                     (when (and instead (equal kind "queued") (buffer-live-p buffer))
                       (with-current-buffer buffer
                         (claude-agent-runs-stop))
                       ;; Before all that waits.  If its turn has just come, it waits no more.
                       (claude-agent-server-call
                        "queue.sendNow" (list :runId (plist-get run :runId))
                        :failure #'ignore))
                     (when (and (not begun) (buffer-live-p buffer)
                                (or (equal kind "started")
                                    (and (equal kind "ended") (plist-get run :error)
                                         (not (plist-get run :steeredInto)))))
                       (setq begun t)
                       (with-current-buffer buffer
                         (claude-agent-conversation-show-prompt
                          (or (plist-get run :prompt) prompt))
                         (claude-agent-conversation-begin-run)))
                     (when begun
                       (claude-agent-runs-take buffer event)))))))
    (claude-agent-runs--query prompt context token if-busy
                         (or claude-agent-conversation-session "last")
                         (lambda (text) (message "Claude: %s" text)))))

(defun claude-agent-runs--query (prompt context token if-busy session failure)
  "Ask PROMPT with CONTEXT in SESSION; its events come on TOKEN.
IF-BUSY says what becomes of it while a run is at work; FAILURE is called with
the reason why it can't begin."
  (pcase-let ((`(,prompt . ,context) (claude-agent-context-sent prompt context)))
    (claude-agent-server-call
     "query"
     (append (list :prompt prompt
                   :partialResultToken token
                   :wait :json-false
                   :ifBusy if-busy
                   :session session)
             (and context (list :context context))
             (and claude-agent-runs-permission-mode
                  (list :permissionMode claude-agent-runs-permission-mode)))
     :folder claude-agent-conversation-folder
     :failure (lambda (text)
                (claude-agent-server-forget token)
                (funcall failure text)))))

(defun claude-agent-runs-send (prompt new context)
  "Send PROMPT with CONTEXT, in a NEW session or in the current one."
  (let* ((buffer (current-buffer))
         (token (claude-agent-server-listen
                 (lambda (event) (claude-agent-runs-take buffer event)))))
    (claude-agent-conversation-show-prompt prompt)
    (claude-agent-runs--query
     prompt context token "queue"
     (if new "new" (or claude-agent-conversation-session "last"))
     (lambda (text)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (claude-agent-conversation-fail-run text)))))))

(defun claude-agent-runs--follow (run)
  "Show RUN, which nobody has asked for here, where its session is."
  (dolist (buffer (claude-agent-conversation-buffers))
    (with-current-buffer buffer
      (when (and (equal claude-agent-conversation-session (plist-get run :sessionId))
                 (not claude-agent-conversation-run))
        (if (plist-get run :prompt)
            (claude-agent-conversation-show-prompt (plist-get run :prompt))
          (claude-agent-conversation-show-cause (or (plist-get run :cause) "")))
        (claude-agent-watching-note run)
        (claude-agent-conversation-begin-run)
        (claude-agent-server-listen (lambda (event) (claude-agent-runs-take buffer event)) run)))))

(setq claude-agent-server-own-run-function #'claude-agent-runs--follow)

(defun claude-agent-runs-take (buffer event)
  "Let EVENT of a run have its effect in BUFFER and beyond."
  (if (not (buffer-live-p buffer))
      (when (equal (plist-get event :kind) "started")
        ;; It was killed before the run had an id.
        (claude-agent-server-call "cancel" (list :runId (plist-get (plist-get event :run) :runId))))
    (with-current-buffer buffer
      (let ((stop (eq claude-agent-conversation-run 'stop))
            (kind (plist-get event :kind)))
        (claude-agent-conversation-take event)
        (claude-agent-questions-take event)
        (pcase kind
          ("started"
           (when claude-agent-runs-permission-mode ; for the runs that follow, too
             (claude-agent-server-call
              "mode" (list :sessionId claude-agent-conversation-session
                           :permissionMode claude-agent-runs-permission-mode))
             (setq claude-agent-runs-permission-mode nil))
           (when stop
             (claude-agent-runs--cancel claude-agent-conversation-run)))
          ("fileChanged" (claude-agent-files-changed event))
          ("ended" (claude-agent-files-follow claude-agent-conversation-folder)))))))

(defun claude-agent-runs--cancel (run)
  "Cancel RUN."
  (claude-agent-watching-refuse run)
  (claude-agent-server-call "cancel" (list :runId run)))

(defun claude-agent-runs--may-be-killed-p ()
  "Return whether the current conversation may be killed: ask if it is at work."
  (or (not claude-agent-conversation-run)
      (claude-agent-watching-elsewhere-p claude-agent-conversation-run)
      (yes-or-no-p "Claude is still working here: stop it? ")))

(defun claude-agent-runs--stop-killed ()
  "Stop the run at work in the current conversation, whose buffer is killed."
  (claude-agent-questions-withdraw (current-buffer))
  (unless (claude-agent-watching-elsewhere-p claude-agent-conversation-run)
    (claude-agent-runs-stop)))

(defun claude-agent-runs--set-up ()
  "Let no run go on in the current conversation when its buffer is killed."
  (add-hook 'kill-buffer-query-functions #'claude-agent-runs--may-be-killed-p nil t)
  (add-hook 'kill-buffer-hook #'claude-agent-runs--stop-killed nil t))

(add-hook 'claude-agent-conversation-mode-hook #'claude-agent-runs--set-up)

(provide 'claude-agent-runs)
;;; claude-agent-runs.el ends here

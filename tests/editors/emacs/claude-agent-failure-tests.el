;;; claude-agent-failure-tests.el --- What is left after a failure  -*- lexical-binding: t; -*-

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'claude-agent)

(defmacro claude-agent-failure-tests--in-conversation (&rest body)
  "Execute BODY in a conversation that is deleted afterwards."
  (declare (indent 0))
  `(let ((buffer (claude-agent-conversation-buffer "/nowhere/project/")))
     (unwind-protect
         (with-current-buffer buffer
           (cl-letf (((symbol-function 'claude-agent-questions--watch) #'ignore))
             ,@body))
       (setq claude-agent-questions--open nil)
       (when (buffer-live-p buffer)
         (with-current-buffer buffer
           (setq claude-agent-conversation-run nil))
         (kill-buffer buffer)))))

(defconst claude-agent-failure-tests--refuses
  (concat "import json, sys\n"
          "length = int(sys.stdin.buffer.readline().split(b':')[1])\n"
          "sys.stdin.buffer.readline()\n"
          "request = json.loads(sys.stdin.buffer.read(length))\n"
          "error = {'code': -32603, 'message': 'No room.', 'data': {'hint': 'Make some.'}}\n"
          "answer = {'jsonrpc': '2.0', 'id': request['id'], 'error': error}\n"
          "body = json.dumps(answer).encode()\n"
          "sys.stdout.buffer.write(b'Content-Length: %d\\r\\n\\r\\n' % len(body) + body)\n"
          "sys.stdout.buffer.flush()\n"
          "sys.stdin.buffer.read()\n")
  "A server that can't be initialized, and stays there.")

(defun claude-agent-failure-tests--script (interpreter)
  "Return an executable file that names INTERPRETER."
  (let ((file (make-temp-file "claude-agent")))
    (write-region (concat "#!" interpreter "\n") nil file)
    (set-file-modes file #o755)
    file))

(ert-deftest claude-agent-conversation-goes-on-after-a-start-that-failed ()
  (pcase-dolist
      (`(,command ,told)
       `((("claude-agent-lsp-that-is-nowhere") "is not on your PATH")
         ((,(claude-agent-failure-tests--script "/nowhere/python")) "")
         (("false") "The server has ended before it was ready")
         (("python3" "-c" ,claude-agent-failure-tests--refuses) "No room\\. Make some\\.")))
    (claude-agent-failure-tests--in-conversation
      (let ((claude-agent-server-command command))
        (dotimes (_ 2)                  ; the second one finds what the first one has left
          (ignore-errors (claude-agent-ask "hello"))
          (with-timeout (10 (ert-fail (list "It waits for ever" command)))
            (while claude-agent-conversation-run
              (accept-process-output nil 0.05)))
          (should (string-match-p (concat told ".*\n\\'") (buffer-string)))
          (should-not claude-agent-conversation-activity))
        (should-not (claude-agent-server-running-p))))))

(ert-deftest claude-agent-run-is-stopped-with-its-buffer ()
  (dolist (told '(t nil))
    (let (sent events asked)
      (claude-agent-failure-tests--in-conversation
        (cl-letf (((symbol-function 'claude-agent-server-call)
                   (lambda (command argument &rest _) (push (list command argument) sent)))
                  ((symbol-function 'claude-agent-server-listen)
                   (lambda (listener &optional _) (setq events listener) "token"))
                  ((symbol-function 'yes-or-no-p) (lambda (_) (setq asked t))))
          (setq claude-agent-sessions-shown t)
          (claude-agent-ask "hello")
          (let ((started '(:kind "started" :run (:runId "r" :sessionId "s"))))
            (when told
              (funcall events started)
              (funcall events '(:kind "question"
                                :question (:questionId "q" :title "Run?" :detail "" :options []))))
            (should (kill-buffer))
            (should asked)
            (unless told
              (funcall events started)))
          (should (equal (car sent) '("cancel" (:runId "r"))))
          (should-not (claude-agent-questions-waiting-p)))))))

(ert-deftest claude-agent-buffer-of-a-run-stays-unless-the-user-agrees ()
  (claude-agent-failure-tests--in-conversation
    (setq claude-agent-conversation-run "r")
    (cl-letf (((symbol-function 'yes-or-no-p) #'ignore)
              ((symbol-function 'claude-agent-server-call)
               (lambda (&rest _) (ert-fail "It was stopped"))))
      (kill-buffer)
      (should (buffer-live-p buffer)))))

(ert-deftest claude-agent-run-of-another-editor-goes-on-when-its-buffer-is-killed ()
  (claude-agent-failure-tests--in-conversation
    (claude-agent-watching-note '(:runId "r" :heldBy "VS Code"))
    (setq claude-agent-conversation-run "r")
    (cl-letf (((symbol-function 'yes-or-no-p) (lambda (_) (ert-fail "Nothing would be lost")))
              ((symbol-function 'claude-agent-server-call)
               (lambda (&rest _) (ert-fail "It was stopped"))))
      (should (kill-buffer)))))

(ert-deftest claude-agent-region-of-what-is-not-saved-is-told-as-it-is ()
  (let ((file (make-temp-file "claude-agent" nil ".py" "one\ntwo\n"))
        sent)
    (cl-letf (((symbol-function 'claude-agent-server-call)
               (lambda (command argument &rest _)
                 (when (equal command "query")
                   (push argument sent)))))
      (dolist (visited `(,file nil))
        (with-current-buffer (if visited (find-file-noselect visited)
                               (get-buffer-create "notes"))
          (setq transient-mark-mode t
                claude-agent-sessions-shown t)
          (goto-char (point-max))
          (insert "``` not saved\n")
          (goto-char (point-max))
          (push-mark (pos-bol 0) t t)
          (let ((context (claude-agent-context-of-question)))
            (should (equal (claude-agent-context-describe context)
                           (format " about line %d of %s" (if visited 3 1) (buffer-name))))
            (claude-agent-failure-tests--in-conversation
              (setq claude-agent-sessions-shown t)
              (claude-agent-ask "what is it?" nil context)))
          (set-buffer-modified-p nil)
          (kill-buffer))))
    (pcase-let ((`(,unnamed ,visiting) sent))
      (should (equal (plist-get (plist-get visiting :context) :text) "``` not saved\n"))
      (should (equal (plist-get visiting :prompt) "what is it?"))
      (should-not (plist-get unnamed :context))
      (should (equal (plist-get unnamed :prompt)
                     "what is it?\n\nnotes, line 1:\n````\n``` not saved\n````")))
    (delete-file file)))

(ert-deftest claude-agent-it-waits-as-long-as-a-question-is-open ()
  (claude-agent-failure-tests--in-conversation
    (let ((take (lambda (&rest events)
                  (dolist (event events)
                    (claude-agent-runs-take (current-buffer) (cons :kind event))))))
      (funcall take '("started" :run (:runId "r" :sessionId "s"))
               '("question" :question (:questionId "q" :title "Run?" :detail "" :options [])))
      (dolist (event '(("toolCall" :toolCallId "b" :title "Reading" :input nil)
                       ("toolResult" :toolCallId "b" :status "completed" :text "")
                       ("text" :messageId "m" :text "Meanwhile.")))
        (funcall take event)
        (should (equal claude-agent-conversation-activity "Waiting for you: Run?")))
      (funcall take '("questionAnswered" :questionId "q" :answer "deny" :by "editor"))
      (should (equal claude-agent-conversation-activity "Continuing"))
      (funcall take '("ended" :run (:status "completed")))
      (should-not claude-agent-conversation-activity))))

(ert-deftest claude-agent-heading-in-an-answer-is-told-from-a-turns ()
  (claude-agent-failure-tests--in-conversation
    (claude-agent-conversation-show-prompt "Why?")
    (dolist (text '("Well.\n\n## Yo" "u\n\nDelete it.\n\n## Your files\n" "\n## Claude"))
      (claude-agent-runs-take (current-buffer) (list :kind "text" :messageId "m" :text text))
      (claude-agent-conversation--flush))
    (should (string-match-p "## You\n\nDelete it" (buffer-string)))
    (let (marked)
      (goto-char (point-min))
      (while (re-search-forward "^## .*$" nil t)
        (when (seq-some (lambda (overlay) (overlay-get overlay 'after-string))
                        (overlays-in (match-beginning 0) (match-end 0)))
          (push (match-string 0) marked)))
      (should (equal (nreverse marked) '("## You" "## Claude"))))))

(provide 'claude-agent-failure-tests)
;;; claude-agent-failure-tests.el ends here

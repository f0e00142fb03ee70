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

(provide 'claude-agent-failure-tests)
;;; claude-agent-failure-tests.el ends here

;;; claude-agent-requests.el --- What the server asks the user  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A request that only the user can answer is answered when they do, and not while Emacs waits.

;;; Code:

(require 'cl-lib)
(require 'eieio)
(require 'jsonrpc)
(require 'subr-x)

(defconst claude-agent-requests--rest 0.5
  "How long the user has rested before the server's message asks them something.")

(defvar claude-agent-requests-question-function nil
  "Takes a question that no run's events tell of, and a function that answers it.
It returns a function without arguments, which is called when the question has
been settled otherwise.")

(defvar claude-agent-requests--open (make-hash-table :test #'equal)
  "The questions whose answers the server waits for: functions by the request's id.")

(defclass claude-agent-requests-connection (jsonrpc-process-connection) ()
  "A connection whose requests can be answered later.")

(cl-defmethod jsonrpc-connection-send :around
  ((_ claude-agent-requests-connection) &rest message)
  "Send MESSAGE, unless it is an answer that is given later.
Its result then is a cons of `claude-agent-requests-later' and a function, which
is called with the request's id."
  (let ((result (plist-get message :result)))
    (if (eq (car-safe result) 'claude-agent-requests-later)
        (funcall (cdr result) (plist-get message :id))
      (cl-call-next-method))))

(defun claude-agent-requests-ask (connection id question)
  "Have the user answer QUESTION, the request ID of CONNECTION, whenever they do."
  (puthash id
           (funcall claude-agent-requests-question-function question
                    (lambda (answer)
                      (when (claude-agent-requests--pop id)
                        (jsonrpc-connection-send connection :id id :result answer))))
           claude-agent-requests--open))

(defun claude-agent-requests-choose (connection id message)
  "Have the user choose of MESSAGE, the request ID of CONNECTION, once they rest.
The first action is the one that does nothing; so does none."
  (let* ((titles (mapcar (lambda (action) (plist-get action :title))
                         (plist-get message :actions)))
         (choose
          (lambda ()
            (when (claude-agent-requests--pop id)
              (let* ((inhibit-quit nil) ; a timer has it set
                     (chosen
                      (and (zerop (minibuffer-depth))
                           (condition-case nil
                               (completing-read (concat (plist-get message :message) " ")
                                                titles nil t nil nil (car titles))
                             (quit nil)))))
                (jsonrpc-connection-send connection :id id
                                         :result (and chosen (list :title chosen)))))))
         (timer (run-with-idle-timer claude-agent-requests--rest nil choose)))
    (puthash id (lambda () (cancel-timer timer)) claude-agent-requests--open)))

(defun claude-agent-requests--pop (id)
  "Forget the question ID; return the function for when it is settled, or nil."
  (prog1 (gethash id claude-agent-requests--open)
    (remhash id claude-agent-requests--open)))

(defun claude-agent-requests-settle (id)
  "Let nobody answer the request ID any more: it has been settled otherwise."
  (when-let* ((settled (claude-agent-requests--pop id)))
    (funcall settled)))

(defun claude-agent-requests-settle-all ()
  "Let nobody answer any request: the server is gone."
  (mapc #'claude-agent-requests-settle (hash-table-keys claude-agent-requests--open)))

(provide 'claude-agent-requests)
;;; claude-agent-requests.el ends here

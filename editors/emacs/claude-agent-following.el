;;; claude-agent-following.el --- Windows at the end of a conversation  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A window whose point is at the end of a conversation is there after each piece of it, too.

;;; Code:

(require 'seq)

(defvar claude-agent-conversation-folder)
(declare-function claude-agent-conversation-buffers "claude-agent-conversation")

(defun claude-agent-following-show-end (window)
  "Let WINDOW show the end of its conversation."
  (set-window-point window (with-current-buffer (window-buffer window) (point-max))))

(defun claude-agent-following-windows (buffer)
  "Return the windows in which point is at the end of BUFFER."
  (with-current-buffer buffer
    (seq-filter (lambda (window) (= (window-point window) (point-max)))
                (get-buffer-window-list nil nil t))))

(defun claude-agent-following-keep ()
  "Let windows that are at the end be there after the minibuffer, too.
Emacs puts back where they were before it, which was the end then."
  (let ((windows (mapcan #'claude-agent-following-windows
                         (claude-agent-conversation-buffers))))
    (when windows
      (run-at-time
       0 nil
       (lambda ()
         (dolist (window windows)
           (when (and (window-live-p window)
                      (buffer-local-value 'claude-agent-conversation-folder
                                          (window-buffer window)))
             (claude-agent-following-show-end window))))))))

(provide 'claude-agent-following)
;;; claude-agent-following.el ends here

;;; claude-agent-tasks.el --- What runs in the background  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What the agent has left at work behind its turns: chosen, followed, stopped.

;;; Code:

(require 'claude-agent-server)

(defconst claude-agent-tasks--seconds 1
  "How long after nothing has come it is looked for more.")

(defvar-local claude-agent-tasks--task nil
  "The task whose output this buffer shows.")

(defvar-keymap claude-agent-tasks-mode-map
  "k" #'claude-agent-tasks-stop)

(define-derived-mode claude-agent-tasks-mode special-mode "Claude task"
  "What a background task of the agent puts out, as it comes.")

(defun claude-agent-tasks-choose ()
  "Let the user choose from the tasks of all sessions, and show its output."
  (claude-agent-server-call
   "task.list" nil
   :success
   (lambda (answer)
     ;; Not from within the connection: the minibuffer takes its time.
     (run-at-time 0 nil #'claude-agent-tasks--ask
                  (append (plist-get answer :tasks) nil)))))

(defun claude-agent-tasks--ask (tasks)
  "Let the user choose of TASKS, and show it."
  (if (null tasks)
      (message "Nothing runs in the background")
    (let* ((inhibit-quit nil)           ; a timer has it set
           (lines (mapcar (lambda (task) (cons (claude-agent-tasks--line task) task)) tasks))
           (chosen (cdr (assoc (completing-read "Background task: " lines nil t) lines))))
      (when chosen
        (claude-agent-tasks--show chosen)))))

(defun claude-agent-tasks--line (task)
  "Return TASK in a line of its own."
  (format "%s  (%s, %d s) %s" (plist-get task :title) (plist-get task :state)
          (/ (plist-get task :durationMs) 1000) (plist-get task :taskId)))

(defun claude-agent-tasks--show (task)
  "Show what TASK puts out."
  (let ((buffer (get-buffer-create (format "*claude-agent task %s*" (plist-get task :taskId)))))
    (with-current-buffer buffer
      (unless claude-agent-tasks--task
        (claude-agent-tasks-mode)
        (setq claude-agent-tasks--task task
              header-line-format
              (substitute-command-keys
               (concat (string-replace "%" "%%" (plist-get task :title))
                       "  \\<claude-agent-tasks-mode-map>\\[claude-agent-tasks-stop] stops it")))
        (claude-agent-tasks--follow buffer nil)))
    (pop-to-buffer buffer)))

(defun claude-agent-tasks--follow (buffer cursor)
  "Add what there is behind CURSOR to BUFFER, as long as there may be more."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (claude-agent-server-call
       "task.output" (append (claude-agent-tasks--argument) (and cursor (list :cursor cursor)))
       :success
       (lambda (answer)
         (let ((text (plist-get answer :text))
               (next (plist-get answer :nextCursor)))
           (claude-agent-tasks--add buffer text)
           (when next
             (run-at-time (if (string-empty-p text) claude-agent-tasks--seconds 0) nil
                          #'claude-agent-tasks--follow buffer next))))))))

(defun claude-agent-tasks--add (buffer text)
  "Add TEXT to BUFFER; point follows where it is at the end."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (let ((inhibit-read-only t)
            (end (point-max)))
        (save-excursion
          (goto-char end)
          (insert text))
        (dolist (window (get-buffer-window-list nil nil t))
          (when (= (window-point window) end)
            (set-window-point window (point-max))))))))

(defun claude-agent-tasks-stop ()
  "Stop the task whose output is shown here."
  (interactive)
  (claude-agent-server-call
   "task.stop" (claude-agent-tasks--argument)
   :success (lambda (answer)
              (message "Claude: %s" (claude-agent-tasks--line (plist-get answer :task))))))

(defun claude-agent-tasks--argument ()
  "Return what names the task whose output is shown here."
  (list :taskId (plist-get claude-agent-tasks--task :taskId)
        :sessionId (plist-get claude-agent-tasks--task :sessionId)))

(provide 'claude-agent-tasks)
;;; claude-agent-tasks.el ends here

;;; claude-agent-context.el --- What the user looks at  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The file, the region and the problems in it, as the agent is told of them with a question.

;;; Code:

(require 'flymake)
(require 'claude-agent-server)

(defcustom claude-agent-context-save nil
  "Whether to save the buffer before a question.
The agent reads what is not saved, too; what it runs in a shell does not."
  :type '(choice (const :tag "Ask" ask) (const :tag "Save" t) (const :tag "Leave it" nil))
  :group 'claude-agent)

(defun claude-agent-context ()
  "Return what the current buffer and its region are to the agent, or nil."
  (when (and buffer-file-name (not (file-remote-p buffer-file-name)))
    (claude-agent-context--save)
    (append
     (list :textDocument (list :uri (claude-agent-server-uri buffer-file-name)))
     (when (use-region-p)
       (let ((from (region-beginning))
             (to (region-end)))
         (append
          (list :range (claude-agent-context--range from to))
          (when (buffer-modified-p)
            ;; Whether the server has this buffer or not, it is not what the disk has.
            (list :text (buffer-substring-no-properties from to)))
          (when-let* ((diagnostics (claude-agent-context--diagnostics from to)))
            (list :diagnostics diagnostics))))))))

(defun claude-agent-context-of-question ()
  "Return what a question about the current buffer and its region is about, or nil.
Of a buffer without a file, which nobody else can look at, that is the region
itself: (:quoted (BUFFER . TEXT) :range RANGE)."
  (or (claude-agent-context)
      (when (use-region-p)
        (let ((from (region-beginning))
              (to (region-end)))
          (list :quoted (cons (buffer-name) (buffer-substring-no-properties from to))
                :range (claude-agent-context--range from to))))))

(defun claude-agent-context-sent (prompt context)
  "Return PROMPT as it is sent, and CONTEXT as the protocol has it: a cons."
  (pcase (plist-get context :quoted)
    ('nil (cons prompt context))
    (`(,name . ,text)
     (let ((fence "```"))
       (while (string-search fence text)
         (setq fence (concat fence "`")))
       (cons (format "%s\n\n%s, %s:\n%s\n%s\n%s" prompt name
                     (claude-agent-context--lines (plist-get context :range))
                     fence (string-trim-right text "\n+") fence)
             nil)))))

(defun claude-agent-context-describe (context)
  "Return what CONTEXT is, for a prompt: \" about lines 3-5 of server.py\"."
  (let ((range (plist-get context :range)))
    (if range
        (format " about %s of %s" (claude-agent-context--lines range) (buffer-name))
      "")))

(defun claude-agent-context--lines (range)
  "Return in words which lines are in RANGE."
  (let ((first (1+ (plist-get (plist-get range :start) :line)))
        (last (+ (plist-get (plist-get range :end) :line)
                 (if (zerop (plist-get (plist-get range :end) :character)) 0 1))))
    (if (>= first last) (format "line %d" first) (format "lines %d-%d" first last))))

(defun claude-agent-context--save ()
  "Save the current buffer, as the user wants it."
  (when (and (buffer-modified-p)
             (pcase claude-agent-context-save
               ('ask (y-or-n-p (format "Save %s first? " (buffer-name))))
               (save save)))
    (save-buffer)))

(defun claude-agent-context--position (position)
  "Return POSITION as LSP counts: lines from 0, and UTF-16 units in them."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char position)
      (let ((before (buffer-substring-no-properties (line-beginning-position) position)))
        (list :line (1- (line-number-at-pos))
              :character (/ (length (encode-coding-string before 'utf-16le)) 2))))))

(defun claude-agent-context--range (from to)
  "Return the range from FROM to TO."
  (list :start (claude-agent-context--position from)
        :end (claude-agent-context--position to)))

(defun claude-agent-context--diagnostics (from to)
  "Return the problems Flymake has between FROM and TO, or nil."
  (when (bound-and-true-p flymake-mode)
    (vconcat
     (mapcar (lambda (problem)
               (list :range (claude-agent-context--range (flymake-diagnostic-beg problem)
                                                         (flymake-diagnostic-end problem))
                     :message (substring-no-properties (flymake-diagnostic-text problem))
                     :severity (pcase (flymake-diagnostic-type problem)
                                 ((or ':error 'eglot-error) 1)
                                 ((or ':warning 'eglot-warning) 2)
                                 (_ 3))))
             (flymake-diagnostics from to)))))

(provide 'claude-agent-context)
;;; claude-agent-context.el ends here

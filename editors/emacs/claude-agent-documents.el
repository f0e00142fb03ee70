;;; claude-agent-documents.el --- The files that are open  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The server is told of each buffer of a file in its folders, and of what becomes of it, so that
;; the agent works on what the user sees.  Its edits are made in the buffer, which is saved as the
;; user would.  What is changed goes to the server once the user rests, in one piece; all that is
;; kept of it until then is where it lies, and where that was.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'claude-agent-server)

(defvar claude-agent-documents--rest 0.3
  "Seconds that the user has rested before the server is told what they typed.")

(defvar claude-agent-documents--timer nil
  "Tells the server what was typed.")

(defvar-local claude-agent-documents--uri nil
  "What the server knows this buffer as; nil if it does not.")

(defvar-local claude-agent-documents--version 0
  "Which version of the buffer the server has.")

(defvar-local claude-agent-documents--pending nil
  "What the server has not been told of: (FROM TO START END), or t for everything.
FROM and TO are markers around it, START and END the places in the server's text
that it takes the place of.")

;; A change of the major mode does not close a file.
(dolist (variable '( claude-agent-documents--uri claude-agent-documents--version
                     claude-agent-documents--pending))
  (put variable 'permanent-local t))

(defconst claude-agent-documents--hooks
  '((before-change-functions . claude-agent-documents--before-change)
    (after-change-functions . claude-agent-documents--after-change)
    (after-revert-hook . claude-agent-documents--reverted)
    (after-save-hook . claude-agent-documents--saved)
    (kill-buffer-hook . claude-agent-documents--close))
  "What tells of changes in a buffer that is open at the server.")

(dolist (hook claude-agent-documents--hooks)
  (put (cdr hook) 'permanent-local-hook t))

(defun claude-agent-documents-synchronize ()
  "Tell the server of all files in its folders as they are now."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (claude-agent-documents--open)
      (claude-agent-documents--flush))))

;; Opening and closing

(defun claude-agent-documents--open ()
  "Tell the server of the current buffer, if it is a file that can be edited.
What can't be is the disk's."
  (when (and buffer-file-name
             (not claude-agent-documents--uri)
             (not buffer-read-only)
             (not (buffer-base-buffer))
             (not (file-remote-p buffer-file-name))
             (claude-agent-server-running-p)
             (seq-some (lambda (folder) (file-in-directory-p buffer-file-name folder))
                       claude-agent-server--folders))
    (when-let* ((text (claude-agent-documents--text)))
      (setq claude-agent-documents--uri (claude-agent-server-uri buffer-file-name)
            claude-agent-documents--version 0
            claude-agent-documents--pending nil)
      (pcase-dolist (`(,hook . ,function) claude-agent-documents--hooks)
        (add-hook hook function nil t))
      (claude-agent-server-notify
       :textDocument/didOpen
       (list :textDocument
             (list :uri claude-agent-documents--uri
                   :languageId (string-remove-suffix "-mode" (symbol-name major-mode))
                   :version 0
                   :text text))))))

(defun claude-agent-documents--close ()
  "Tell the server that the current buffer is closed."
  (when claude-agent-documents--uri
    (claude-agent-server-notify :textDocument/didClose (claude-agent-documents--named))
    (claude-agent-documents--forget)))

(defun claude-agent-documents--forget ()
  "Let the current buffer be known to no server."
  (setq claude-agent-documents--uri nil
        claude-agent-documents--pending nil)
  (pcase-dolist (`(,hook . ,function) claude-agent-documents--hooks)
    (remove-hook hook function t)))

(defun claude-agent-documents--renamed ()
  "Tell the server that the current buffer has another file."
  (claude-agent-documents--close)
  (claude-agent-documents--open))

(defun claude-agent-documents--named ()
  "Return the parameters of a notification that is about the current buffer."
  (list :textDocument (list :uri claude-agent-documents--uri)))

(defun claude-agent-documents--text (&optional from to)
  "Return what is between FROM and TO, or in all; nil if it is no text."
  (save-restriction
    (widen)
    (let ((text (buffer-substring-no-properties (or from (point-min)) (or to (point-max)))))
      (unless (string-match-p "[\x110000-\x3fffff]" text) text))))

;; Changing

(defun claude-agent-documents--place (position)
  "Return POSITION as LSP counts: lines from 0, and UTF-16 units in them."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char position)
      (cons (1- (line-number-at-pos))
            (claude-agent-documents--units (line-beginning-position) position)))))

(defun claude-agent-documents--units (from to)
  "Return how many UTF-16 units there are between FROM and TO."
  (let ((units (- to from)))
    (save-excursion
      (goto-char from)
      (while (re-search-forward "[\U00010000-\U0010FFFF]" to t)
        (setq units (1+ units))))
    units))

(defun claude-agent-documents--before-change (from to)
  "Note that what is between FROM and TO is about to change."
  (pcase claude-agent-documents--pending
    ('nil
     (setq claude-agent-documents--pending
           (list (copy-marker from) (copy-marker to t)
                 (claude-agent-documents--place from) (claude-agent-documents--place to))))
    (`(,first ,last ,_ ,end)
     (when (< from first)
       (setf (nth 2 claude-agent-documents--pending) (claude-agent-documents--place from))
       (set-marker first from))
     (when (> to last)
       (setf (nth 3 claude-agent-documents--pending)
             (claude-agent-documents--beyond last to end))
       (set-marker last to)))))

(defun claude-agent-documents--beyond (from to place)
  "Return the place of TO in the server's text, where FROM is at PLACE.
Nothing has changed between them."
  (pcase-let ((`(,line . ,_) (claude-agent-documents--place from))
              (`(,to-line . ,to-character) (claude-agent-documents--place to)))
    (if (= line to-line)
        (cons (car place) (+ (cdr place) (claude-agent-documents--units from to)))
      (cons (+ (car place) (- to-line line)) to-character))))

(defun claude-agent-documents--after-change (from to _length)
  "Have the server told of what is now between FROM and TO."
  (pcase claude-agent-documents--pending
    (`(,first ,last . ,_)
     (unless (<= first from to last)    ; Emacs has not told it before
       (setq claude-agent-documents--pending t)))
    ('nil (setq claude-agent-documents--pending t)))
  (unless claude-agent-documents--timer
    (setq claude-agent-documents--timer
          (run-with-idle-timer claude-agent-documents--rest nil
                               #'claude-agent-documents--flush-all))))

(defun claude-agent-documents--reverted ()
  "Tell the server all of a buffer that was read anew."
  (setq claude-agent-documents--pending t)
  (claude-agent-documents--flush))

(defun claude-agent-documents--saved ()
  "Tell the server that the current buffer is saved."
  (claude-agent-documents--flush)
  (when claude-agent-documents--uri
    (claude-agent-server-notify :textDocument/didSave (claude-agent-documents--named))))

(defun claude-agent-documents--flush-all ()
  "Tell the server of all that has changed."
  (setq claude-agent-documents--timer nil)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (claude-agent-documents--flush))))

(defun claude-agent-documents--flush ()
  "Tell the server of what has changed in the current buffer."
  (when (and claude-agent-documents--uri claude-agent-documents--pending)
    (let ((event (claude-agent-documents--event)))
      (setq claude-agent-documents--pending nil
            claude-agent-documents--version (1+ claude-agent-documents--version))
      (if event
          (claude-agent-server-notify
           :textDocument/didChange
           (list :textDocument (list :uri claude-agent-documents--uri
                                     :version claude-agent-documents--version)
                 :contentChanges (vector event)))
        (claude-agent-documents--close)))))

(defun claude-agent-documents--event ()
  "Return what has changed as LSP has it; nil if it is no text."
  (pcase claude-agent-documents--pending
    (`(,first ,last ,start ,end)
     (when-let* ((text (claude-agent-documents--text first last)))
       (set-marker first nil)
       (set-marker last nil)
       (list :range (list :start (list :line (car start) :character (cdr start))
                          :end (list :line (car end) :character (cdr end)))
             :text text)))
    (_ (when-let* ((text (claude-agent-documents--text)))
         (list :text text)))))

;; What the server asks for

(defun claude-agent-documents--buffer (uri version)
  "Return the buffer that the server has as URI, if it still is VERSION."
  (when-let* ((buffer (seq-find (lambda (each)
                                  (equal uri (buffer-local-value 'claude-agent-documents--uri each)))
                                (buffer-list))))
    (with-current-buffer buffer
      (claude-agent-documents--flush)
      (and (eql version claude-agent-documents--version)
           (not buffer-read-only)
           buffer))))

(defun claude-agent-documents--apply (edit)
  "Make EDIT, a WorkspaceEdit with versions; return whether it was."
  (let* ((changes (append (plist-get edit :documentChanges) nil))
         (buffers (mapcar (lambda (change)
                            (let ((document (plist-get change :textDocument)))
                              (claude-agent-documents--buffer (plist-get document :uri)
                                                              (plist-get document :version))))
                          changes)))
    (when (and changes
               (not (memq nil buffers))
               ;; The first change of what is saved is asked about if the disk has another by now.
               (seq-every-p (lambda (buffer)
                              (or (buffer-modified-p buffer) (verify-visited-file-modtime buffer)))
                            buffers))
      ;; Whatever Emacs would ask about is not done.
      (let ((inhibit-interaction t))
        (ignore-errors
          (cl-mapc (lambda (buffer change)
                     (with-current-buffer buffer
                       (claude-agent-documents--edit (plist-get change :edits))
                       (claude-agent-documents--flush)))
                   buffers changes)
          t)))))

(defvar undo-auto--last-boundary-cause)

(defun claude-agent-documents--edit (edits)
  "Make EDITS in the current buffer, all or none, as one step of its undo."
  (let ((deactivate-mark nil)
        ;; From the end, so that the places of those before stay.
        (ordered (sort (mapcar (lambda (edit)
                                 (let ((range (plist-get edit :range)))
                                   (list (claude-agent-documents--position (plist-get range :start))
                                         (claude-agent-documents--position (plist-get range :end))
                                         (plist-get edit :newText))))
                               edits)
                       (lambda (one other) (> (car one) (car other))))))
    (undo-boundary)
    (save-excursion
      (save-restriction
        (widen)
        (atomic-change-group
          (pcase-dolist (`(,from ,to ,text) ordered)
            (goto-char from)
            (delete-region from to)
            (insert text)))))
    (undo-boundary)
    ;; Else what is typed next would be one step with it.
    (setq undo-auto--last-boundary-cause nil)))

(defun claude-agent-documents--position (place)
  "Return the position of PLACE, which is as LSP counts."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (plist-get place :line))
      (let ((units (plist-get place :character)))
        (while (and (> units 0) (not (eolp)))
          (setq units (- units (if (> (char-after) #xFFFF) 2 1)))
          (forward-char)))
      (point))))

(defun claude-agent-documents--save (uri version)
  "Save VERSION of the buffer that the server has as URI; return whether it is."
  (when-let* ((buffer (claude-agent-documents--buffer uri version)))
    (with-current-buffer buffer
      (when (verify-visited-file-modtime)
        (let ((inhibit-interaction t)
              (save-silently t))
          (ignore-errors (save-buffer)))
        (claude-agent-documents--flush)
        (not (buffer-modified-p))))))

(defun claude-agent-documents--server-changed ()
  "Forget what a server knew that has ended."
  (unless (claude-agent-server-running-p)
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer
        (when claude-agent-documents--uri
          (claude-agent-documents--forget))))))

(setf (alist-get 'workspace/applyEdit claude-agent-server-request-functions)
      (lambda (params)
        (list :applied (or (claude-agent-documents--apply (plist-get params :edit)) :json-false)))
      (alist-get 'claudeAgent/saveDocument claude-agent-server-request-functions)
      (lambda (params)
        (list :saved (or (claude-agent-documents--save (plist-get params :uri)
                                                       (plist-get params :version))
                         :json-false))))
(add-hook 'claude-agent-server-before-call-hook #'claude-agent-documents-synchronize)
(add-hook 'claude-agent-server-state-hook #'claude-agent-documents--server-changed)
(add-hook 'find-file-hook #'claude-agent-documents--open)
(add-hook 'read-only-mode-hook #'claude-agent-documents--open)
(add-hook 'after-set-visited-file-name-hook #'claude-agent-documents--renamed)

(provide 'claude-agent-documents)
;;; claude-agent-documents.el ends here

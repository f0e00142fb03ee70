;;; claude-agent-fold.el --- Folded parts of a conversation  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A fold is a line that can be read, and a body below it that is hidden until the line is clicked,
;; or TAB is pressed on it.  The body may grow later, wherever in the buffer it is.

;;; Code:

(require 'button)
(require 'cl-lib)
(require 'seq)
(require 'text-property-search)
(require 'claude-agent-files)

(cl-defstruct claude-agent-fold
  "A fold in a buffer.
ID is what the text property `invisible' of its body says.  MARK is where its
line ends and END is where its body ends; both are markers.  FILLED is whether
the body has any text.  INNER are the folds that belong below it, the newest
first, and DEPTH is how far it is set in."
  id mark end filled inner (depth 0))

(define-button-type 'claude-agent-fold
  'action #'claude-agent-fold--toggle-at
  'face 'default
  'follow-link t
  'help-echo "TAB, RET or a click: show or hide what is below")

(defun claude-agent-fold-set-up ()
  "Let the current buffer have folds."
  (setq buffer-invisibility-spec nil))

(defun claude-agent-fold-insert (title places)
  "Insert a fold with TITLE at point and return it; its body is hidden.
The names of PLACES, as `claude-agent-files-places' returns them, are links in
the title."
  (let ((id (make-symbol "claude-agent-fold"))
        (from (point)))
    (insert "▸ " title)
    (make-text-button from (point) :type 'claude-agent-fold 'claude-agent-fold id)
    (claude-agent-files-link-names from (point) places)
    (add-to-invisibility-spec id)
    (let ((mark (point-marker)))
      (insert "\n")
      (make-claude-agent-fold :id id :mark mark :end (point-marker)))))

(defun claude-agent-fold-nest (parent title places)
  "Insert a fold with TITLE and PLACES below PARENT and what is there; return it."
  (save-excursion
    (let ((last parent))
      (while (claude-agent-fold-inner last)
        (setq last (car (claude-agent-fold-inner last))))
      (goto-char (claude-agent-fold-end last)))
    (let ((fold (claude-agent-fold-set-in (1+ (claude-agent-fold-depth parent)) title places)))
      (push fold (claude-agent-fold-inner parent))
      fold)))

(defun claude-agent-fold-set-in (depth title places)
  "Insert a fold with TITLE and PLACES at point, set in by DEPTH; return it."
  (insert (make-string (* 2 depth) ?\s))
  (let ((fold (claude-agent-fold-insert title places)))
    (setf (claude-agent-fold-depth fold) depth)
    fold))

(defun claude-agent-fold-append (fold text &optional face)
  "Append TEXT in FACE to the body of FOLD."
  (unless (string-empty-p text)
    (save-excursion
      (goto-char (claude-agent-fold-end fold))
      ;; The body's last newline belongs to it, so that a hidden body leaves no empty line.
      (when (claude-agent-fold-filled fold)
        (backward-char))
      (let ((id (claude-agent-fold-id fold)))
        (insert (propertize (if (claude-agent-fold-filled fold) text (concat text "\n"))
                            'font-lock-face face 'invisible id 'claude-agent-fold id)))
      (unless (claude-agent-fold-filled fold)
        (setf (claude-agent-fold-filled fold) t)
        (set-marker (claude-agent-fold-end fold) (point))))))

(defun claude-agent-fold-note (fold text face)
  "Write TEXT in FACE behind the title of FOLD."
  (save-excursion
    (goto-char (claude-agent-fold-mark fold))
    (insert (propertize (format "  %s" text) 'font-lock-face face
                        'claude-agent-fold (claude-agent-fold-id fold)))))

(defun claude-agent-fold-toggle (id)
  "Show or hide the body of the fold ID."
  (if (memq id buffer-invisibility-spec)
      (remove-from-invisibility-spec id)
    (add-to-invisibility-spec id))
  (save-excursion
    (goto-char (point-min))
    (let ((line (text-property-search-forward 'claude-agent-fold id #'eq)))
      (when line
        (with-silent-modifications
          (put-text-property (prop-match-beginning line) (1+ (prop-match-beginning line))
                             'display (and (not (memq id buffer-invisibility-spec)) "▾"))))))
  (force-window-update (current-buffer)))

(defun claude-agent-fold-toggle-or-forward ()
  "Show or hide the fold at point; elsewhere go to the next link."
  (interactive)
  (let ((id (get-text-property (point) 'claude-agent-fold)))
    (cond
     (id
      (when (get-text-property (point) 'invisible)
        (text-property-search-backward 'claude-agent-fold id #'eq))
      (claude-agent-fold-toggle id))
     (t (forward-button 1 t)))))

(defun claude-agent-fold-toggle-all ()
  "Hide all folds if any is shown, else show them all."
  (interactive)
  (let (ids)
    (save-excursion
      (goto-char (point-min))
      (let (line)
        (while (setq line (text-property-search-forward 'claude-agent-fold))
          (cl-pushnew (prop-match-value line) ids))))
    (let ((shown (seq-remove (lambda (id) (memq id buffer-invisibility-spec)) ids)))
      (mapc #'claude-agent-fold-toggle (or shown ids)))))

(defun claude-agent-fold--toggle-at (button)
  "Show or hide what BUTTON stands for."
  (claude-agent-fold-toggle (button-get button 'claude-agent-fold)))

(defun claude-agent-fold-fields (input)
  "Return a tool's INPUT, a property list, for a person to read in a fold."
  (mapconcat (pcase-lambda (`(,key ,value))
               (format "%s: %s" (substring (symbol-name key) 1)
                       (if (stringp value) value (json-encode value))))
             (seq-partition input 2)
             "\n"))

(provide 'claude-agent-fold)
;;; claude-agent-fold.el ends here

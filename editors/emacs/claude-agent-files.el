;;; claude-agent-files.el --- Files that the agent reads and changes  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Links to files, in the titles of tool calls and in what the agent says; and buffers that follow
;; the files that the agent has changed.

;;; Code:

(require 'button)
(require 'text-property-search)
(require 'claude-agent-documents)
(require 'claude-agent-server)

(defcustom claude-agent-files-revert t
  "Whether a buffer is read anew when the agent has changed its file.
A buffer with changes that are not saved never is."
  :type 'boolean
  :group 'claude-agent)

(define-button-type 'claude-agent-file
  'action #'claude-agent-files--visit
  'follow-link t
  'help-echo "Visit this file")

(defun claude-agent-files-places (locations)
  "Return the places of the protocol's LOCATIONS: a list of (PATH . LINE)."
  (mapcar (lambda (location)
            (let ((start (plist-get (plist-get location :range) :start)))
              (cons (claude-agent-server-path (plist-get location :uri))
                    (and start (1+ (plist-get start :line))))))
          locations))

(defun claude-agent-files-link-names (from to places)
  "Make the names of PLACES between FROM and TO links to them."
  (save-excursion
    (pcase-dolist (`(,path . ,line) places)
      (goto-char from)
      (when (search-forward (file-name-nondirectory path) to t)
        (claude-agent-files--link (match-beginning 0) (match-end 0) path line)))))

(defun claude-agent-files-make-links (folder)
  "Make the names of files of FOLDER in the last answer links."
  (save-excursion
    (goto-char (point-max))
    (when (text-property-search-backward 'claude-agent-heading)
      (with-silent-modifications
        (while (re-search-forward
                "`\\([^`\n:]+\\.[[:alnum:]]+\\)\\(?::\\([0-9]+\\)\\)?[^`\n]*`" nil t)
          (let ((from (match-beginning 1))
                (to (or (match-end 2) (match-end 1)))
                (path (expand-file-name (match-string 1) folder))
                (line (and (match-string 2) (string-to-number (match-string 2)))))
            ;; A remote name would be asked for over the network.
            (when (and (not (file-remote-p path)) (file-regular-p path))
              (claude-agent-files--link from to path line))))))))

(defun claude-agent-files-changed (event)
  "Let the buffer of a file follow its change, told by EVENT."
  (let* ((path (claude-agent-server-path (plist-get event :uri)))
         (buffer (find-buffer-visiting path)))
    (when (and buffer claude-agent-files-revert)
      (if (equal (plist-get event :change) "deleted")
          (message "Claude has deleted %s" (file-name-nondirectory path))
        (claude-agent-files--revert buffer)))))

(defun claude-agent-files-follow (folder)
  "Let all buffers of files in FOLDER follow what has become of them.
What was changed in a folder that is not looked at is told by no event."
  (when claude-agent-files-revert
    (dolist (buffer (buffer-list))
      (let ((name (buffer-file-name buffer)))
        (when (and name
                   (not (file-remote-p name))
                   (file-in-directory-p name folder)
                   (not (verify-visited-file-modtime buffer)))
          (claude-agent-files--revert buffer))))))

(defun claude-agent-files--revert (buffer)
  "Read the file of BUFFER anew, unless something would be lost."
  (with-current-buffer buffer
    (cond
     ((verify-visited-file-modtime buffer))
     ((not (file-exists-p buffer-file-name)))
     ((buffer-modified-p)
      (message "Claude has changed %s, but its buffer has unsaved changes: see \
`diff-buffer-with-file'" (buffer-name)))
     (t (revert-buffer t t t)))))

(defun claude-agent-files--link (from to path line)
  "Make the text between FROM and TO a link to LINE of PATH."
  (make-text-button from to :type 'claude-agent-file
                    'face 'link
                    'claude-agent-path path
                    'claude-agent-line line))

(defun claude-agent-files--visit (button)
  "Visit the file of BUTTON."
  (let ((line (button-get button 'claude-agent-line)))
    (find-file-other-window (button-get button 'claude-agent-path))
    (when line
      (goto-char (point-min))
      (forward-line (1- line)))))

(provide 'claude-agent-files)
;;; claude-agent-files.el ends here

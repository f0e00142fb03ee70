;;; claude-agent-headings.el --- Who speaks  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The headings of turns are known by a property, and not by their text.  What looks like one in
;; somebody's words stays as it is, and says so behind it.

;;; Code:

(defun claude-agent-headings-insert (who)
  "Insert the heading of WHO."
  (insert (propertize (format "## %s" who)
                      'font-lock-face 'claude-agent-heading 'claude-agent-heading who)
          "\n\n"))

(defun claude-agent-headings-look (from)
  "Mark each heading that is none, from the line of FROM to the end of the buffer."
  (save-excursion
    (goto-char from)
    (forward-line 0)
    (remove-overlays (point) (point-max) 'claude-agent-heading t)
    (let ((case-fold-search nil))
      (while (re-search-forward "^ *#+ *\\(?:You\\|Claude\\)[ :#]*$" nil t)
        (unless (text-property-not-all (match-beginning 0) (match-end 0)
                                       'claude-agent-heading nil)
          (let ((overlay (make-overlay (match-beginning 0) (match-end 0))))
            (overlay-put overlay 'claude-agent-heading t)
            (overlay-put overlay 'evaporate t)
            (overlay-put overlay 'after-string
                         (propertize "  (words of the text)" 'face 'warning))))))))

(provide 'claude-agent-headings)
;;; claude-agent-headings.el ends here

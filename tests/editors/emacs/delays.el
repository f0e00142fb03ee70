;;; delays.el --- How long Emacs is busy without a look at its keys  -*- lexical-binding: t; -*-

;;; Commentary:

;; A timer that is due every few milliseconds runs whenever Emacs waits for a key.  What Emacs does
;; from one time to the next is a block: a key that comes in it has to wait for its end.  It is
;; measured in the time of the processor, which a busy machine does not lengthen, and told beside
;; the time that the clock says and the time that the garbage collector took of it.

;;; Code:

(require 'json)

(defconst delays-interval 0.005
  "Seconds from one look to the next.")

(defvar delays--looks nil
  "What has passed in each block: seconds of the processor, late, of the collector.")

(defvar delays--last nil
  "The same at the last look, each since the start of something.")

(defvar delays--on nil
  "Whether it looks.")

(defun delays--look ()
  "Take note of what has passed since the last look, and look again soon."
  (let ((now (list (float-time (get-internal-run-time)) (float-time) gc-elapsed)))
    (when delays--last
      (push (cl-mapcar #'- now delays--last (list 0 delays-interval 0)) delays--looks))
    (setq delays--last now))
  (when delays--on
    (run-at-time delays-interval nil #'delays--look)))

(defun delays-begin ()
  "Begin to look."
  (interactive)
  (garbage-collect)
  (setq delays--looks nil
        delays--last nil
        delays--on t)
  (delays--look))

(defun delays-end ()
  "Look no more, and write what was found, in milliseconds."
  (interactive)
  (setq delays--on nil)
  (let ((lists (apply #'cl-mapcar #'list delays--looks)))
    ;; Renamed, so that it is complete as soon as it is there.
    (with-temp-file (expand-file-name ".delays.json")
      (insert (json-encode
               (cl-mapcar (lambda (name list)
                            (cons name (vconcat (mapcar (lambda (seconds) (* 1000 seconds)) list))))
                          '(worked late collected) lists))))
    (rename-file (expand-file-name ".delays.json") (expand-file-name "delays.json"))))

(keymap-global-set "<f5>" #'delays-begin)
(keymap-global-set "<f6>" #'delays-end)

(provide 'delays)
;;; delays.el ends here

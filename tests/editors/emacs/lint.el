;;; lint.el --- Byte-compile, checkdoc and package-lint  -*- lexical-binding: t; -*-

;;; Commentary:

;; emacs --batch -Q -L PACKAGE -l lint.el -f lint-compile|lint-documentation|lint-package FILE...
;; Each prints what is wrong and ends with 1 if there is anything.

;;; Code:

(require 'bytecomp)
(require 'checkdoc)

;; The compiler that this would need is not there, nor is the time for it.
(setq native-comp-enable-subr-trampolines nil
      native-comp-jit-compilation nil)

(defun lint-compile ()
  "Byte-compile, warnings as errors, and leave no file behind."
  (let ((byte-compile-error-on-warn t)
        (byte-compile-dest-file-function
         (lambda (_) (make-temp-file "claude-agent" nil ".elc")))
        (bad 0))
    (dolist (file command-line-args-left)
      (unless (byte-compile-file file)
        (setq bad 1)))
    (kill-emacs bad)))

(defun lint-documentation ()
  "Run checkdoc."
  (let ((bad 0))
    (dolist (file command-line-args-left)
      (let ((checkdoc-create-error-function
             (lambda (text start _end &optional _unfixable)
               (setq bad 1)
               (message "%s:%s: %s" (file-name-nondirectory file)
                        (count-lines (point-min) (or start (point-min))) text)
               nil)))
        (with-current-buffer (find-file-noselect file)
          (checkdoc-current-buffer t))))
    (kill-emacs bad)))

(defun lint-package ()
  "Run package-lint on all files as those of one package."
  (require 'package-lint)
  (setq package-lint-main-file
        (seq-find (lambda (file) (string-suffix-p "/claude-agent.el" file))
                  command-line-args-left)
        package-lint-batch-fail-on-warnings t)
  (kill-emacs (if (package-lint-batch-and-exit-1 command-line-args-left) 0 1)))

(provide 'lint)
;;; lint.el ends here

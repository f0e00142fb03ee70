;;; claude-agent-knowledge.el --- What Emacs knows of code  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The agent is told what Eglot's servers say is wrong in the text as it is, and what the windows
;; show, and may ask those servers where something is defined, used or named.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'claude-agent-server)
(require 'claude-agent-documents)

(declare-function eglot-current-server "eglot" ())
(declare-function eglot--capabilities "eglot" (server))
(declare-function eglot--lsp-position-to-point "eglot" (position &optional marker))
(declare-function eglot--pos-to-lsp-position "eglot" (&optional position))
(declare-function eglot--signal-textDocument/didChange "eglot" ())
(defvar eglot--recent-changes)

(defconst claude-agent-knowledge--seconds 14
  "How long a language server is waited for; ours waits a second longer.")

(defconst claude-agent-knowledge--most 500
  "How many diagnostics of a buffer are told.")

(defconst claude-agent-knowledge--capabilities
  '(("textDocument/definition" . :definitionProvider)
    ("textDocument/references" . :referencesProvider)
    ("textDocument/documentSymbol" . :documentSymbolProvider)
    ("textDocument/rename" . :renameProvider)
    ("workspace/symbol" . :workspaceSymbolProvider))
  "What a server has that answers a request.")

(defvar-local claude-agent-knowledge--published nil
  "What a server said last of this buffer, as (TICK . DIAGNOSTICS), or nil.
TICK is that of the text which it is about.")

(defvar-local claude-agent-knowledge--told nil
  "Of which text our server was told so.")

;; Diagnostics

(defun claude-agent-knowledge--publish (uri diagnostics)
  "Take the DIAGNOSTICS of the document that Eglot knows as URI."
  (when-let* ((buffer (get-file-buffer (claude-agent-server-path uri))))
    (with-current-buffer buffer
      ;; Else they are about a text that has changed here since.
      (unless (bound-and-true-p eglot--recent-changes)
        (setq claude-agent-knowledge--published
              (cons (buffer-chars-modified-tick)
                    (mapcar #'claude-agent-knowledge--diagnostic
                            (seq-take diagnostics claude-agent-knowledge--most)))
              claude-agent-knowledge--told nil)
        (claude-agent-knowledge--tell)))))

(defun claude-agent-knowledge--diagnostic (found)
  "Return FOUND, a diagnostic of a server of Eglot's, as ours knows places."
  (cl-loop for (name value) on found by #'cddr
           when (memq name '(:message :severity :source :code))
           nconc (list name value)
           when (eq name :range)
           nconc (list :range
                       (claude-agent-knowledge--range
                        (claude-agent-knowledge--point (plist-get value :start))
                        (claude-agent-knowledge--point (plist-get value :end))))))

(defun claude-agent-knowledge--tell ()
  "Tell the server what is wrong in the current buffer, if only Emacs knows."
  (let ((tick (buffer-chars-modified-tick)))
    (when (and claude-agent-documents--uri
               (eql tick (car claude-agent-knowledge--published))
               (not (equal claude-agent-knowledge--told
                           (cons tick claude-agent-documents--uri))))
      (claude-agent-documents--flush)
      (setq claude-agent-knowledge--told (cons tick claude-agent-documents--uri))
      (claude-agent-server-notify
       :claudeAgent/diagnostics
       (list :uri claude-agent-documents--uri
             :version claude-agent-documents--version
             :diagnostics (vconcat (cdr claude-agent-knowledge--published)))))))

(defun claude-agent-knowledge--tell-all ()
  "Tell the server what is wrong in all buffers."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (claude-agent-knowledge--tell))))

(defun claude-agent-knowledge--server-changed ()
  "Forget what a server knew that has ended."
  (unless (claude-agent-server-running-p)
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer
        (setq claude-agent-knowledge--told nil)))))

(defun claude-agent-knowledge--point (place)
  "Return the position of PLACE, which is as a server of Eglot's counts."
  (if (fboundp 'eglot--lsp-position-to-point)
      (eglot--lsp-position-to-point place)
    (claude-agent-documents--position place)))

(defun claude-agent-knowledge--range (from to)
  "Return what is between FROM and TO as our server counts."
  (pcase-let ((`(,line . ,character) (claude-agent-documents--place from))
              (`(,to-line . ,to-character) (claude-agent-documents--place to)))
    (list :start (list :line line :character character)
          :end (list :line to-line :character to-character))))

(defun claude-agent-knowledge--attend ()
  "Hear what Eglot's servers say from now on."
  (remove-hook 'eglot-managed-mode-hook #'claude-agent-knowledge--attend)
  ;; Before Eglot is there, the method would be lost as it is loaded.
  (cl-defmethod eglot-handle-notification :after
    (_server (_method (eql 'textDocument/publishDiagnostics))
             &key uri diagnostics &allow-other-keys)
    "Tell the agent's server of DIAGNOSTICS of URI."
    (claude-agent-knowledge--publish uri diagnostics)))

(if (featurep 'eglot)
    (claude-agent-knowledge--attend)
  (add-hook 'eglot-managed-mode-hook #'claude-agent-knowledge--attend))

;; What is shown

(defun claude-agent-knowledge--visible (_params)
  "Return the documents that the windows of this frame show."
  (let* ((windows (seq-filter (lambda (window)
                                (buffer-local-value 'claude-agent-documents--uri
                                                    (window-buffer window)))
                              (window-list nil 'no-minibuffer)))
         (active (car (sort (copy-sequence windows)
                            (lambda (one other)
                              (> (window-use-time one) (window-use-time other)))))))
    (list :documents
          (vconcat (mapcar (lambda (window)
                             (claude-agent-knowledge--shown window (eq window active)))
                           windows)))))

(defun claude-agent-knowledge--shown (window active)
  "Return the document of WINDOW, in which the user works if ACTIVE."
  (with-current-buffer (window-buffer window)
    (let* ((at (window-point window))
           (mark (if (and mark-active active) (mark) at)))
      (list :uri claude-agent-documents--uri
            :active (or active :json-false)
            :selection (claude-agent-knowledge--range (min at mark) (max at mark))))))

;; Language servers

(defun claude-agent-knowledge--language (params)
  "Have Eglot's servers answer the request of PARAMS, whenever they do."
  (let* ((method (plist-get params :method))
         (asked (plist-get params :params))
         (uri (plist-get (plist-get asked :textDocument) :uri))
         (buffers (if uri
                      (list (get-file-buffer (claude-agent-server-path uri)))
                    (claude-agent-knowledge--one-of-each-server)))
         (able (seq-filter (lambda (buffer)
                             (claude-agent-knowledge--able-p buffer method))
                           buffers))
         answers)
    (lambda (connection id)
      (let* ((left (length able))
             (send (lambda ()
                     (when (jsonrpc-running-p connection)
                       (jsonrpc-connection-send
                        connection :id id
                        :result (list :answers (vconcat (nreverse answers)))))))
             (take (lambda (answer)
                     (push answer answers)
                     (setq left (1- left))
                     (when (zerop left) (funcall send)))))
        (dolist (buffer able)
          (with-current-buffer buffer
            (claude-agent-knowledge--ask method asked take)))
        (unless able (funcall send))))))

(defun claude-agent-knowledge--one-of-each-server ()
  "Return a buffer of each server of Eglot's."
  (and (featurep 'eglot)
       (seq-uniq (seq-filter (lambda (buffer)
                               (with-current-buffer buffer (eglot-current-server)))
                             (buffer-list))
                 (lambda (one other)
                   (eq (with-current-buffer one (eglot-current-server))
                       (with-current-buffer other (eglot-current-server)))))))

(defun claude-agent-knowledge--able-p (buffer method)
  "Return whether a server of Eglot's answers METHOD in BUFFER, which may be nil."
  (and buffer
       (featurep 'eglot)
       (with-current-buffer buffer
         (when-let* ((server (eglot-current-server))
                     (capability (cdr (assoc method claude-agent-knowledge--capabilities)))
                     (has (plist-get (eglot--capabilities server) capability)))
           (not (eq has :json-false))))))

(defun claude-agent-knowledge--ask (method asked take)
  "Ask the current buffer's server METHOD with ASKED, and TAKE what it answers."
  (when (fboundp 'eglot--signal-textDocument/didChange)
    (eglot--signal-textDocument/didChange))
  (let ((encoding (or (plist-get (eglot--capabilities (eglot-current-server)) :positionEncoding)
                      "utf-16"))
        (place (plist-get asked :position))
        (params (copy-sequence asked)))
    (when (and place (fboundp 'eglot--pos-to-lsp-position))
      (setq params
            (plist-put params :position
                       (eglot--pos-to-lsp-position (claude-agent-documents--position place)))))
    (jsonrpc-async-request
     (eglot-current-server) (intern (concat ":" method)) params
     :success-fn (lambda (result)
                   (funcall take (list :result result :positionEncoding encoding)))
     :error-fn (lambda (problem)
                 (funcall take (list :error (plist-get problem :message))))
     :timeout-fn (lambda () (funcall take (list :error "It does not answer in time.")))
     :timeout claude-agent-knowledge--seconds)))

(setf (alist-get 'claudeAgent/visibleDocuments claude-agent-server-request-functions)
      #'claude-agent-knowledge--visible
      (alist-get 'claudeAgent/language claude-agent-server-request-functions)
      #'claude-agent-knowledge--language)
(add-hook 'claude-agent-server-before-call-hook #'claude-agent-knowledge--tell-all 90)
(add-hook 'claude-agent-server-state-hook #'claude-agent-knowledge--server-changed)

(provide 'claude-agent-knowledge)
;;; claude-agent-knowledge.el ends here

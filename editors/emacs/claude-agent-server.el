;;; claude-agent-server.el --- The connection to claude-agent-lsp  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; One server for all of Emacs, with a workspace folder for each project that is asked in.
;;
;; It is not one of Eglot's servers.  Eglot manages one server for a major mode in a project: the
;; agent would take the place of the language's own server, and would be there in the modes that
;; somebody has thought of and nowhere else.  `eglot-execute' also blocks Emacs until a command has
;; ended.  So this speaks LSP by the library below Eglot, `jsonrpc', which comes with Emacs: both
;; live side by side in any buffer.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'subr-x)
(require 'url-util)
(require 'claude-agent-requests)

(defgroup claude-agent nil
  "The Claude agent in your projects."
  :group 'tools
  :prefix "claude-agent-")

(defcustom claude-agent-server-command '("claude-agent-lsp")
  "The server's program and its arguments."
  :type '(repeat string)
  :group 'claude-agent)

(defcustom claude-agent-settings nil
  "The server's settings, as a property list: (:model \"opus\" :maxTurns 20).
They are those of the section `claudeAgent' in the server's documentation;
true is t, false is :json-false, and a list is a vector."
  :type 'plist
  :group 'claude-agent
  :set (lambda (symbol value)
         (set-default symbol value)
         (when (fboundp 'claude-agent-server-settings-changed)
           (claude-agent-server-settings-changed)))
  :risky t)

(defvar claude-agent-server-state-hook nil
  "Run when the server has started or ended.")

(defvar claude-agent-server--connection nil
  "The connection, or nil.")

(defvar claude-agent-server--ready nil
  "Whether the server has answered `initialize'.")

(defvar claude-agent-server--waiting nil
  "What is to be sent once it has, the newest first: (SEND . FAILURE).
FAILURE is called with the reason if it can't be; it may be nil.")

(defconst claude-agent-server--ended-early
  "The server has ended before it was ready: `claude-agent-doctor' tells why."
  "Said of one that could not do what it was started for.")

(defconst claude-agent-server--start-seconds 60
  "How long the server may take until it is ready.")

(defvar claude-agent-server--folders nil
  "The workspace folders that the server has been told of.")

(defvar claude-agent-server--listeners (make-hash-table :test #'equal)
  "Functions that take the events of a run, by the run's token.")

(defvar claude-agent-server-own-run-function #'ignore
  "Takes a run that the agent has begun by itself, before its events come.")

(defvar claude-agent-server-queue-function #'ignore
  "Takes what waits for a session when that has changed, in the protocol's form.")

(defvar claude-agent-server-before-call-hook nil
  "Run before a command is sent, with its folder open.")

(defvar claude-agent-server-request-functions nil
  "Functions by the server's request: of its parameters, they return the answer.
One that takes its time returns a function, of the connection and the id, which
sends it.")

(defconst claude-agent-server--path-characters
  (let ((allowed (copy-sequence url-path-allowed-chars)))
    ;; It is there for paths that are encoded already.
    (aset allowed ?% nil)
    allowed)
  "The characters that stand for themselves in the path of a URI.")

(defvar claude-agent-server--tokens 0
  "How many tokens have been given out.")

(defun claude-agent-server-uri (path)
  "Return the `file:' URI of PATH."
  (let ((name (expand-file-name path)))
    (concat (if (string-prefix-p "/" name) "file://" "file:///")
            (url-hexify-string (directory-file-name (encode-coding-string name 'utf-8))
                               claude-agent-server--path-characters))))

(defun claude-agent-server-path (uri)
  "Return the path that a `file:' URI names."
  (let ((path (decode-coding-string (url-unhex-string (string-remove-prefix "file://" uri))
                                    'utf-8)))
    (if (string-match-p "\\`/[A-Za-z]:" path) (substring path 1) path)))

(defun claude-agent-server-running-p ()
  "Return whether the server is there."
  (and claude-agent-server--connection
       (jsonrpc-running-p claude-agent-server--connection)))

(cl-defun claude-agent-server-call (command argument &key folder success failure problem)
  "Execute COMMAND with ARGUMENT, a property list, and return at once.
The server is started if it is not there.  FOLDER, if given, is opened in it
first and becomes the argument's `workspace'.  SUCCESS is called with the
result; FAILURE with the error's message, the hint included, which is else
shown in the echo area; PROBLEM, in its place, with the error itself and that."
  (let ((failed (lambda (error)
                  (let ((text (claude-agent-server--problem error)))
                    (if problem
                        (funcall problem error text)
                      (funcall (or failure (lambda (text) (message "Claude: %s" text))) text))))))
    (condition-case problem
        (claude-agent-server--start)
      (error
       (let ((text (error-message-string problem)))
         (when claude-agent-server--connection ; it was there, and is gone before it was sent anything
           (setq text claude-agent-server--ended-early)
           (claude-agent-server--give-up claude-agent-server--connection))
         (funcall failed (list :message text)))))
    (when (claude-agent-server-running-p)
      (when folder
        (claude-agent-server--open folder)
        (setq argument (plist-put argument :workspace (claude-agent-server-uri folder))))
      (run-hooks 'claude-agent-server-before-call-hook)
      (claude-agent-server--request
       :workspace/executeCommand
       (list :command (concat "claudeAgent." command)
             :arguments (vector (or argument (make-hash-table))))
       (or success #'ignore)
       failed))))

(defun claude-agent-server-listen (listener &optional run)
  "Return a new token, whose events LISTENER takes until a run has ended.
Of RUN, which the agent has begun by itself, it is the server's own."
  (let ((token (if run
                   (concat "claudeAgent/run/" (plist-get run :runId))
                 (format "emacs-%d" (setq claude-agent-server--tokens
                                          (1+ claude-agent-server--tokens))))))
    (puthash token listener claude-agent-server--listeners)
    token))

(defun claude-agent-server-forget (token)
  "Take no more events of TOKEN."
  (remhash token claude-agent-server--listeners))

(defun claude-agent-server-shutdown ()
  "Let the server end, and with it all that it has started."
  (when (claude-agent-server-running-p)
    (let ((connection claude-agent-server--connection))
      (ignore-errors
        (jsonrpc-async-request connection :shutdown nil :timeout nil :success-fn #'ignore)
        (jsonrpc-notify connection :exit nil)))))

(defun claude-agent-server-settings-changed ()
  "Tell the server that it has to ask for its settings again."
  (when (and claude-agent-server--ready (claude-agent-server-running-p))
    (jsonrpc-notify claude-agent-server--connection :workspace/didChangeConfiguration
                    (list :settings nil))))

(defun claude-agent-server--start ()
  "Start the server, unless it is there."
  (unless (claude-agent-server-running-p)
    (let ((program (car claude-agent-server-command)))
      (unless (executable-find program)
        (user-error "%s is not on your PATH: install it, or set \
`claude-agent-server-command'" program)))
    (setq claude-agent-server--ready nil
          claude-agent-server--waiting nil
          claude-agent-server--folders nil
          claude-agent-server--connection (claude-agent-server--connect))
    (add-hook 'kill-emacs-hook #'claude-agent-server-shutdown)
    (let ((connection claude-agent-server--connection))
      (jsonrpc-async-request
       connection :initialize (claude-agent-server--initialize-params)
       :timeout claude-agent-server--start-seconds
       :success-fn #'claude-agent-server--initialized
       :timeout-fn (lambda () (claude-agent-server--refused connection nil))
       :error-fn (lambda (problem) (claude-agent-server--refused connection problem))))
    (run-hooks 'claude-agent-server-state-hook)))

(defun claude-agent-server--refused (connection problem)
  "Give up the server of CONNECTION, which can't be used for PROBLEM, or is silent."
  ;; Of one that has ended, `claude-agent-server--ended' tells.
  (when (and (eq connection claude-agent-server--connection) (jsonrpc-running-p connection))
    (claude-agent-server--fail-waiting
     (if problem (claude-agent-server--problem problem) "The server does not answer."))
    (claude-agent-server--give-up connection)))

(defun claude-agent-server--give-up (connection)
  "End the server of CONNECTION, and what was at work on it."
  (claude-agent-server--ended connection)
  ;; Not from within its own filter, nor by `jsonrpc-shutdown', which waits for ever for the sentinel
  ;; of a process that has ended before it had one.
  (run-at-time 0 nil #'delete-process (jsonrpc--process connection)))

(defun claude-agent-server--fail-waiting (text)
  "Tell by TEXT why what has waited for the server is not sent."
  (let ((waiting (reverse claude-agent-server--waiting)))
    (setq claude-agent-server--waiting nil)
    (dolist (each waiting)
      (when (cdr each)
        (funcall (cdr each) (list :message text))))))

(defun claude-agent-server--connect ()
  "Return a connection to a new server."
  (apply
   #'make-instance 'claude-agent-requests-connection
   :name "claude-agent"
   :process (lambda ()
              ;; The server works in the folders that it is told; its own is none of them, so
              ;; that it can be unmounted, or be removed.
              (let ((default-directory (expand-file-name "~/"))
                    (process-adaptive-read-buffering nil))
                (make-process
                 :name "claude-agent"
                 :command claude-agent-server-command
                 :connection-type 'pipe
                 :coding 'utf-8-emacs-unix
                 :noquery t
                 :stderr (get-buffer-create "*claude-agent stderr*"))))
   :notification-dispatcher #'claude-agent-server--notified
   :request-dispatcher #'claude-agent-server--requested
   :on-shutdown #'claude-agent-server--ended
   ;; A log of all that is streamed would cost more than to show it.
   (if (boundp 'jsonrpc-event-hook)     ; jsonrpc 1.0.18, Emacs 30
       '(:events-buffer-config (:size 0 :format full))
     '(:events-buffer-scrollback-size 0))))

(defun claude-agent-server--initialize-params ()
  "Return the parameters of `initialize'."
  (list :processId (emacs-pid)
        ;; Not "Eglot": the server does not have to spare this client a long wait.
        :clientInfo (list :name "Emacs" :version emacs-version)
        :rootUri nil
        :workspaceFolders []
        :capabilities
        (list :workspace (list :workspaceFolders t :applyEdit t
                               :workspaceEdit '(:documentChanges t)
                               :configuration t
                               :didChangeConfiguration '(:dynamicRegistration :json-false)
                               :executeCommand '(:dynamicRegistration :json-false))
              :textDocument '(:synchronization (:didSave t))
              :general (list :positionEncodings ["utf-16"])
              :experimental '(:claudeAgent
                              ( :questions t :saveDocument t :sessionEvents t :subagentText t
                                :diagnostics t :language t :visibleDocuments t)))))

(defun claude-agent-server--initialized (_result)
  "Send what has waited for the server to be ready."
  (jsonrpc-notify claude-agent-server--connection :initialized (make-hash-table))
  (setq claude-agent-server--ready t)
  (let ((waiting (nreverse claude-agent-server--waiting)))
    (setq claude-agent-server--waiting nil)
    (mapc (lambda (each) (funcall (car each))) waiting)))

(defun claude-agent-server--when-ready (send &optional failure)
  "Call SEND as soon as the server may be sent anything, in order.
FAILURE is called with an error if it never may be."
  (if claude-agent-server--ready
      (funcall send)
    (push (cons send failure) claude-agent-server--waiting)))

(defun claude-agent-server--request (method params success failure)
  "Send METHOD with PARAMS; call SUCCESS with its result or FAILURE."
  (let ((connection claude-agent-server--connection))
    (claude-agent-server--when-ready
     (lambda ()
       ;; One that has just ended can't be sent anything, and Emacs may not have noticed yet.
       (condition-case nil
           (jsonrpc-async-request connection method params
                                  :success-fn success :error-fn failure :timeout nil)
         (error (funcall failure (list :message "The server has ended.")))))
     failure)))

(defun claude-agent-server-notify (method params)
  "Tell the server METHOD with PARAMS, as soon as it may be sent anything."
  (when (claude-agent-server-running-p)
    (let ((connection claude-agent-server--connection))
      (claude-agent-server--when-ready
       (lambda () (jsonrpc-notify connection method params))))))

(defun claude-agent-server--open (folder)
  "Tell the server that FOLDER is open, unless it knows."
  (unless (member folder claude-agent-server--folders)
    (push folder claude-agent-server--folders)
    (let ((connection claude-agent-server--connection)
          (added (list :uri (claude-agent-server-uri folder)
                       :name (file-name-nondirectory (directory-file-name folder)))))
      (claude-agent-server--when-ready
       (lambda ()
         (jsonrpc-notify connection :workspace/didChangeWorkspaceFolders
                         `(:event (:added [,added] :removed []))))))))

(defun claude-agent-server--notified (_connection method params)
  "Take the server's notification METHOD with PARAMS."
  (pcase method
    ('$/progress
     (let* ((token (plist-get params :token))
            (event (plist-get params :value))
            (listener (gethash token claude-agent-server--listeners)))
       (when listener
         (when (equal (plist-get event :kind) "ended")
           (claude-agent-server-forget token))
         (funcall listener event))))
    ('claudeAgent/runChanged
     (when (and (seq-some (lambda (key) (plist-get params key)) '(:cause :prompt :heldBy))
                (equal (plist-get params :status) "running"))
       (funcall claude-agent-server-own-run-function params)))
    ('claudeAgent/queueChanged
     (funcall claude-agent-server-queue-function params))
    ('$/cancelRequest
     (claude-agent-requests-settle (plist-get params :id)))
    ('window/showMessage
     (message "Claude: %s" (plist-get params :message)))))

(defun claude-agent-server--requested (connection method params)
  "Answer the request METHOD with PARAMS of the server at the end of CONNECTION."
  (pcase method
    ;; The question of a run comes as an event, too, with all that is needed to answer it at any
    ;; later time.  One about trust does not: nil would be no answer of the user's.
    ((and 'claudeAgent/question (guard (equal (plist-get params :kind) "trust")))
     (cons 'claude-agent-requests-later
           (lambda (id) (claude-agent-requests-ask connection id params))))
    ('claudeAgent/question nil)
    ('window/showMessageRequest
     (cons 'claude-agent-requests-later
           (lambda (id) (claude-agent-requests-choose connection id params))))
    ((app (lambda (method) (alist-get method claude-agent-server-request-functions))
          (and function (guard function)))
     (let ((answer (funcall function params)))
       (if (functionp answer)
           (cons 'claude-agent-requests-later (apply-partially answer connection))
         answer)))
    ('workspace/configuration
     (vconcat (mapcar (lambda (_) (or claude-agent-settings (make-hash-table)))
                      (plist-get params :items))))
    ('workspace/workspaceFolders
     (vconcat (mapcar (lambda (folder)
                        (list :uri (claude-agent-server-uri folder)
                              :name (file-name-nondirectory (directory-file-name folder))))
                      claude-agent-server--folders)))
    ((or 'client/registerCapability 'client/unregisterCapability) nil)
    (_ (jsonrpc-error :code -32601 :message (format "Emacs does not know %s" method)))))

(defun claude-agent-server--ended (connection)
  "End what was at work on CONNECTION, whose server has gone."
  (when (eq connection claude-agent-server--connection)
    (setq claude-agent-server--connection nil
          claude-agent-server--ready nil
          claude-agent-server--folders nil)
    (claude-agent-server--fail-waiting claude-agent-server--ended-early)
    (claude-agent-requests-settle-all)
    (let (listeners)
      (maphash (lambda (_token listener) (push listener listeners))
               claude-agent-server--listeners)
      (clrhash claude-agent-server--listeners)
      (dolist (listener listeners)
        (funcall listener
                 '(:kind "ended"
                   :run (:status "failed"
                         :error (:message "The server has ended."
                                 :hint "The conversation is kept: ask again to continue."))))))
    (run-hooks 'claude-agent-server-state-hook)))

(defun claude-agent-server--problem (problem)
  "Return the message and the hint of PROBLEM, an error of JSON-RPC."
  (let ((text (plist-get problem :message))
        (hint (plist-get (plist-get problem :data) :hint)))
    (if hint (format "%s %s" text hint) text)))

(provide 'claude-agent-server)
;;; claude-agent-server.el ends here

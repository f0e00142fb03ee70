;;; claude-agent-control.el --- What the agent is run with  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The MCP servers of a folder, the context of its session, and the limits of the account.

;;; Code:

(require 'seq)
(require 'claude-agent-server)

(defun claude-agent-control-servers (folder)
  "Let the user choose from the MCP servers of FOLDER, and what becomes of it."
  (claude-agent-server-call
   "mcp.list" nil
   :folder folder
   :success
   (lambda (answer)
     (run-at-time 0 nil #'claude-agent-control--ask folder
                  (append (plist-get answer :servers) nil)))))

(defun claude-agent-control--ask (folder servers)
  "Let the user choose of SERVERS in FOLDER, and what becomes of it."
  (if (null servers)
      (message "This folder has no MCP servers")
    (let* ((inhibit-quit nil)           ; a timer has it set
           (lines (mapcar (lambda (server) (cons (claude-agent-control--line server) server))
                          servers))
           (server (cdr (assoc (completing-read "MCP server: " lines nil t) lines)))
           (off (equal (plist-get server :status) "disabled"))
           (what (completing-read "What? " (if off '("enable") '("disable" "reconnect")) nil t))
           (name (plist-get server :name)))
      (if (equal what "reconnect")
          (claude-agent-server-call "mcp.reconnect" (list :name name)
                                    :folder folder :success #'claude-agent-control--tell)
        (claude-agent-server-call "mcp.toggle" (list :name name :enabled (if off t :json-false))
                                  :folder folder :success #'claude-agent-control--tell)))))

(defun claude-agent-control--line (server)
  "Return SERVER in a line."
  (format "%s  (%s%s, %d tools)" (plist-get server :name) (plist-get server :status)
          (if-let* ((why (plist-get server :error))) (concat ": " why) "")
          (length (plist-get server :tools))))

(defun claude-agent-control--tell (server)
  "Tell how SERVER stands."
  (message "Claude: %s" (claude-agent-control--line server)))

(defun claude-agent-control-usage (folder)
  "Tell how full the context of FOLDER's session is, and how the limits stand."
  (claude-agent-server-call
   "context" nil
   :folder folder
   :success
   (lambda (context)
     (claude-agent-server-call
      "limits" nil
      :folder folder
      :success
      (lambda (answer)
        (message "Claude: the context is %d %% full (%d of %d tokens)%s"
                 (plist-get context :percentage) (plist-get context :totalTokens)
                 (plist-get context :maxTokens)
                 (mapconcat #'claude-agent-control--limit (plist-get answer :limits) "")))))))

(defun claude-agent-control--limit (limit)
  "Return LIMIT in a line of its own."
  (format "\n%s: %s%s" (plist-get limit :limit) (plist-get limit :status)
          (if-let* ((reset (plist-get limit :resetsAt))) (format ", reset at %s" reset) "")))

(provide 'claude-agent-control)
;;; claude-agent-control.el ends here

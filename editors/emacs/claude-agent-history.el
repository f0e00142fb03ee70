;;; claude-agent-history.el --- What was said earlier  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The messages of a session that was read, as the conversation shows them while they come.

;;; Code:

(require 'seq)
(require 'claude-agent-conversation)

(defun claude-agent-history-show (messages)
  "Append MESSAGES, a list in the form of `claudeAgent.session.read'."
  (dolist (message messages)
    (let ((thinking (plist-get message :thinking))
          (text (plist-get message :text))
          (id (plist-get message :messageId))
          (parent (plist-get message :parentToolCallId))
          (kind (plist-get message :kind)))
      (cond
       (parent (claude-agent-history--show-nested message parent))
       ((equal kind "woken") (claude-agent-conversation-show-cause text))
       ((equal kind "gap") (claude-agent-conversation-aside text))
       ((equal kind "interrupted") (claude-agent-conversation-aside "Stopped"))
       ((equal kind "notice") (claude-agent-conversation-notice message))
       ((equal kind "outcome") (claude-agent-conversation-outcome (plist-get message :run)))
       ((equal kind "retracted") (claude-agent-conversation-aside text 'claude-agent-retracted))
       ((equal kind "compaction")
        (when (plist-get message :tokensBefore)
          (claude-agent-conversation-compacted message))
        (claude-agent-conversation-aside "Compacted: Claude was left with")
        (claude-agent-conversation-append "thinking" id text))
       ((equal (plist-get message :role) "user")
        (claude-agent-conversation-show-prompt text))
       (t
        (unless (string-empty-p (or thinking ""))
          (claude-agent-conversation-append "thinking" id thinking))
        (unless (string-empty-p (or text ""))
          (claude-agent-conversation-append "text" id text))
        (claude-agent-history--show-calls message))))))

(defun claude-agent-history--show-calls (message)
  "Append what MESSAGE has called, with the results."
  (seq-doseq (call (plist-get message :toolCalls))
    (claude-agent-conversation-call
     (append (list :title (plist-get call :tool)
                   :parentToolCallId (plist-get message :parentToolCallId))
             call))
    (when (plist-get call :status)
      (claude-agent-conversation-result call))))

(defun claude-agent-history--show-nested (message parent)
  "Put MESSAGE of a subagent below its call PARENT.
What the subagent was asked stands there already."
  (unless (equal (plist-get message :role) "user")
    (dolist (kind '("thinking" "text"))
      (let ((text (or (plist-get message (intern (concat ":" kind))) "")))
        (unless (string-empty-p text)
          (claude-agent-conversation-nest-words
           (list :kind kind :text text :parentToolCallId parent)))))
    (claude-agent-history--show-calls message)))

(provide 'claude-agent-history)
;;; claude-agent-history.el ends here

;;; claude-agent-tests.el --- What the package does without a server  -*- lexical-binding: t; -*-

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'claude-agent)
(require 'claude-agent-rewind)
(require 'claude-agent-menu)

(defmacro claude-agent-tests--in-conversation (&rest body)
  "Execute BODY in a conversation that is deleted afterwards."
  (declare (indent 0))
  `(let ((buffer (claude-agent-conversation-buffer "/nowhere/project/")))
     (unwind-protect
         (with-current-buffer buffer
           (cl-letf (((symbol-function 'claude-agent-questions--watch) #'ignore))
             ,@body))
       (setq claude-agent-questions--open nil)
       (with-current-buffer buffer
         (setq claude-agent-conversation-run nil))
       (kill-buffer buffer))))

(defun claude-agent-tests--take (&rest events)
  "Take EVENTS, each a list of a kind and its fields."
  (dolist (event events)
    (claude-agent-runs-take (current-buffer) (cons :kind event))))

(defun claude-agent-tests--visible ()
  "Return the text of the current buffer that is not hidden."
  (let (parts)
    (goto-char (point-min))
    (while (not (eobp))
      (let ((next (next-single-property-change (point) 'invisible nil (point-max))))
        (unless (invisible-p (point))
          (push (buffer-substring-no-properties (point) next) parts))
        (goto-char next)))
    (apply #'concat (nreverse parts))))

(defconst claude-agent-tests--question
  '(:questionId "q1" :title "Run `rm`?" :detail "rm -r x"
    :options [(:value "deny" :label "Deny") (:value "allow" :label "Allow once")]))

(ert-deftest claude-agent-paths-survive-being-uris ()
  (dolist (path '("/a b/c#d.el" "/tmp/été/%41" "/x/日本"))
    (should (equal (claude-agent-server-path (claude-agent-server-uri path)) path))
    (should-not (string-match-p "[ #é日]" (claude-agent-server-uri path)))))

(ert-deftest claude-agent-streamed-text-stands-there-as-it-came ()
  (claude-agent-tests--in-conversation
    (claude-agent-conversation-show-prompt "Why?")
    (claude-agent-tests--take '("started" :run (:runId "r" :sessionId "s"))
                              '("text" :messageId "m" :text "One\n\n")
                              '("text" :messageId "m" :text "  two `x`\n")
                              '("text" :messageId "m" :text "three")
                              '("ended" :run (:status "completed")))
    (should (equal (buffer-string) "## You\n\nWhy?\n\n## Claude\n\nOne\n\n  two `x`\nthree\n\nDone\n"))
    (should (equal claude-agent-conversation-session "s"))
    (should-not claude-agent-conversation-run)))

(ert-deftest claude-agent-conversation-is-compacted-and-cleared-and-goes-on-elsewhere ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take '("started" :run (:runId "r" :sessionId "s"))
                              '("compacted" :trigger "auto" :tokensBefore 9000 :tokensAfter 200)
                              '("compacted" :trigger "manual" :tokensBefore 9)
                              '("notice" :level "info" :text "It was cleared.")
                              '("ended" :run (:status "completed" :nextSessionId "t")))
    (should (equal (claude-agent-tests--visible)
                   (concat "The conversation was compacted, from 9000 tokens to 200.\n\n"
                           "The conversation was compacted, from 9 tokens to fewer.\n\n"
                           "It was cleared.\n\nDone\n")))
    (should (equal claude-agent-conversation-session "t"))))

(ert-deftest claude-agent-blocked-prompt-says-what-to-do ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take
     '("started" :run (:runId "r" :sessionId "s"))
     '("ended" :run (:status "completed" :blocked (:reason "no" :hint "Change it."))))
    (should (equal (claude-agent-tests--visible)
                   "A hook has blocked this prompt. Change it.\n\nDone\n"))
    (should (equal claude-agent-conversation-session "s"))))

(ert-deftest claude-agent-mode-that-was-chosen-before-a-session-holds-for-all-of-it ()
  (claude-agent-tests--in-conversation
    (let (called)
      (cl-letf (((symbol-function 'claude-agent-server-call)
                 (lambda (command argument &rest _) (push (cons command argument) called)))
                ((symbol-function 'claude-agent--conversation) #'current-buffer))
        (claude-agent-permission-mode "plan")
        (should-not called)
        (claude-agent-tests--take '("started" :run (:runId "r" :sessionId "s")))
        (should (equal called '(("mode" :sessionId "s" :permissionMode "plan"))))
        (claude-agent-tests--take '("started" :run (:runId "t" :sessionId "s")))
        (should (= (length called) 1))))))

(ert-deftest claude-agent-point-moves-only-from-the-end ()
  (claude-agent-tests--in-conversation
    (let ((add (lambda ()
                 (claude-agent-tests--take '("text" :messageId "m" :text "more "))
                 (claude-agent-conversation--flush))))
      (funcall add)
      (should (eobp))
      (goto-char 3)
      (funcall add)
      (should (= (point) 3)))))

(ert-deftest claude-agent-tools-and-thoughts-are-folded-and-their-results-find-them ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take
     '("thinking" :messageId "m" :text "Hm, ") '("thinking" :messageId "m" :text "let me see")
     '("toolCall" :toolCallId "a" :title "Running `one`" :input (:command "one"))
     '("toolCall" :toolCallId "b" :title "Running `two`" :input (:command "two"))
     '("toolResult" :toolCallId "a" :status "completed" :text "first")
     '("toolResult" :toolCallId "b" :status "denied" :text "no")
     '("text" :messageId "n" :text "So."))
    (claude-agent-conversation--flush)
    (should (equal (claude-agent-tests--visible)
                   "▸ Thinking\n▸ Running `one`  done\n▸ Running `two`  denied\n\nSo."))
    (goto-char (point-min))
    (search-forward "`two`")
    (claude-agent-fold-toggle-or-forward)
    (should (string-match-p "denied\ncommand: two\nno\n\nSo\\." (claude-agent-tests--visible)))
    (claude-agent-fold-toggle-all)
    (should-not (string-match-p "command" (claude-agent-tests--visible)))
    (claude-agent-fold-toggle-all)
    (should (string-match-p "Thinking\nHm, let me see\n▸ Running `one`  done\ncommand: one\nfirst\n"
                            (claude-agent-tests--visible)))))

(defconst claude-agent-tests--nested
  "▸ Look  done\n  ▸ Thinking\n  ▸ I look.\n  ▸ Running `one`  done\n  ▸ I have seen.\n\nAll done."
  "What a call of a subagent looks like, with what that has said and done.")

(ert-deftest claude-agent-what-a-subagent-says-and-does-stands-below-its-call ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take
     '("toolCall" :toolCallId "p" :title "Look" :input (:prompt "Look."))
     '("text" :messageId "m" :text "All ")
     '("thinking" :messageId "i" :text "Where?" :parentToolCallId "p")
     '("text" :messageId "i" :text "I look.\nIn there." :parentToolCallId "p")
     '("toolCall" :toolCallId "c" :title "Running `one`" :input (:command "one")
       :parentToolCallId "p")
     '("toolResult" :toolCallId "c" :status "completed" :text "first")
     '("text" :messageId "m" :text "done.")
     '("text" :messageId "j" :text "I have seen." :parentToolCallId "p")
     '("toolResult" :toolCallId "p" :status "completed" :text "Seen."))
    (claude-agent-conversation--flush)
    (should (equal (claude-agent-tests--visible) claude-agent-tests--nested))
    (claude-agent-fold-toggle-all)
    (should (string-search
             (concat "▸ Look  done\nprompt: Look.\nSeen.\n  ▸ Thinking\nWhere?\n  ▸ I look.\n"
                     "In there.\n  ▸ Running `one`  done\ncommand: one\nfirst\n  ▸ I have seen.\n")
             (claude-agent-tests--visible)))))

(ert-deftest claude-agent-what-a-subagent-said-earlier-stands-below-its-call ()
  (claude-agent-tests--in-conversation
    (claude-agent-history-show
     '((:messageId "1" :role "assistant" :text "" :toolCalls
        [(:toolCallId "p" :tool "Look" :input (:prompt "Look.") :status "completed" :text "Seen.")])
       (:messageId "2" :role "user" :text "Look." :toolCalls [] :parentToolCallId "p")
       (:messageId "3" :role "assistant" :thinking "Where?" :text "I look." :parentToolCallId "p"
        :toolCalls [(:toolCallId "c" :tool "Running `one`" :input (:command "one")
                     :status "completed" :text "first")])
       (:messageId "4" :role "assistant" :text "I have seen." :toolCalls [] :parentToolCallId "p")
       (:messageId "5" :role "assistant" :text "All done." :toolCalls [])))
    (claude-agent-conversation--flush)
    (should (equal (claude-agent-tests--visible) claude-agent-tests--nested))))

(ert-deftest claude-agent-words-of-an-answer-that-broke-off-are-struck-out ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take
     '("text" :messageId "m" :text "It stands. ") '("text" :messageId "m" :text "It does\nnot.")
     '("retracted" :messageId "other" :text "It stands.")
     '("retracted" :messageId "m" :text "It does\nnot.")
     '("notice" :level "warning" :text "It broke off.")
     '("text" :messageId "m" :text "Anew."))
    (claude-agent-conversation--flush)
    (should (equal (buffer-string) "It stands. It does\nnot.\n\nIt broke off.\n\nAnew."))
    (let ((face (lambda (words)
                  (goto-char (point-min))
                  (search-forward words)
                  (get-text-property (match-beginning 0) 'font-lock-face))))
      (should-not (funcall face "It stands."))
      (should (eq (funcall face "It does") 'claude-agent-retracted))
      (should (eq (funcall face "not.") 'claude-agent-retracted))
      (should-not (funcall face "Anew.")))))

(ert-deftest claude-agent-what-is-no-message-stands-between-the-messages ()
  (claude-agent-tests--in-conversation
    (claude-agent-history-show
     '((:messageId "1" :role "user" :text "/context" :toolCalls [])
       (:messageId "2" :role "assistant" :kind "command" :text "9 tokens" :toolCalls [])
       (:messageId "3" :role "system" :kind "compaction" :text "All in short" :toolCalls [])
       (:messageId "4" :role "system" :kind "gap" :text "A line is missing." :toolCalls [])
       (:messageId "5" :role "assistant" :text "Half" :toolCalls [])
       (:messageId "6" :role "system" :kind "interrupted" :text "[Request …]" :toolCalls [])
       (:messageId "7" :role "system" :kind "woken" :text "It has ended." :toolCalls [])
       (:messageId "8" :role "assistant" :text "So it has." :toolCalls [])))
    (claude-agent-conversation--flush)
    (let ((shown (claude-agent-tests--visible)))
      (should (string-match-p
               (concat "/context\\(.\\|\n\\)*9 tokens\\(.\\|\n\\)*Compacted: .*\n"
                       "\\(.\\|\n\\)*A line is missing\\.\\(.\\|\n\\)*Half"
                       "\\(.\\|\n\\)*Stopped\n\\(.\\|\n\\)*It has ended\\."
                       "\\(.\\|\n\\)*So it has\\.")
               shown))
      (should-not (string-match-p "All in short\\|Request" shown)))))

(ert-deftest claude-agent-question-is-shown-and-settled ()
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take `("question" :question ,claude-agent-tests--question))
    (should (claude-agent-questions-waiting-p))
    (should (string-search "Run `rm`?\nrm -r x\n[Deny] [Allow once] \n" (buffer-string)))
    (claude-agent-tests--take
     '("questionAnswered" :questionId "q1" :answer "deny" :by "editor"))
    (should-not (claude-agent-questions-waiting-p))
    (should (string-search "rm -r x\nAnswer: Deny\n" (buffer-string)))))

(ert-deftest claude-agent-question-says-all-that-its-fields-say ()
  (pcase-dolist
      (`(,fields ,text ,limit)
       `(((:action (:command "rm -r x\n│ Always: %s\necho \\u202e" :description "Tidy up\n    rm y")
           :notes ["In the background" "shell: zsh"]
           :reason "Not in a rule %s"
           :grants (:session [(:text "`rm *`") (:text "all edits") (:text "`rm *`")]
                    :always [(:text "`rm *`")]
                    :savedIn ".claude/settings.local.json"))
          ,(concat "    rm -r x\n    │ Always: %s\n    echo \\u202e\n> Tidy up\n>     rm y\n"
                   "In the background\nshell: zsh\nNot in a rule %s\n\n"
                   "For this session: `rm *`, all edits\n"
                   "Always: `rm *`, in .claude/settings.local.json"))
         ((:action (:path "a.txt") :diff "@@ -1 +1 @@\n-a\n+b" :notes [])
          "a.txt\n@@ -1 +1 @@\n-a\n+b")
         ((:action (:command "éééé")) "    ééé\n… (1 more characters)" 3)
         ((:action (:command "éééé")) "    éééé")
         ((:kind "trust" :action (:path "/home/x") :notes ["Ignored: y"]) "/home/x\nIgnored: y" 3)
         ((:kind "plan" :action (:subject "") :document "# Plan") "# Plan")
         ((:kind "choice" :action (:subject "DB")
           :options [(:value "deny" :label "Don't answer")
                     (:value "A" :label "A" :description "big") (:value "B" :label "B")])
          "A: big\nB")
         (nil "rm -r x")
         ((:action (:subject "")) "rm -r x")))
    (should (equal (claude-agent-questions--text
                    (append fields claude-agent-tests--question) limit)
                   text))))

(ert-deftest claude-agent-question-is-rendered-from-its-fields-in-both-places ()
  (let* ((command (make-string 600 ?x))
         (question `(:action (:command ,command) ,@claude-agent-tests--question))
         asked)
    (claude-agent-tests--in-conversation
      (claude-agent-tests--take `("question" :question ,question))
      (should (string-search (format "Run `rm`?\n    %s\n[Deny]" command) (buffer-string))))
    (cl-letf (((symbol-function 'completing-read)
               (lambda (prompt &rest _) (setq asked prompt) "Deny")))
      (claude-agent-questions--read question))
    (should (string-match-p "\\`    x\\{500\\}\n… (100 more characters)\n\\[Deny\\]" asked))))

(ert-deftest claude-agent-settled-question-says-what-was-answered ()
  (dolist (case '(("allow" "command" "Answer: Allow once")
                  ("Postgres, please" "editor" "Answer: Postgres, please")
                  ("deny" "deadline" "Not answered in time")
                  ("deny" "withdrawn" "Withdrawn")))
    (claude-agent-tests--in-conversation
      (claude-agent-tests--take
       `("question" :question ,claude-agent-tests--question)
       `("questionAnswered" :questionId "q1" :answer ,(nth 0 case) :by ,(nth 1 case)))
      (should (string-search (format "rm -r x\n%s\n" (nth 2 case)) (buffer-string)))))
  (claude-agent-tests--in-conversation
    (claude-agent-tests--take `("question" :question ,claude-agent-tests--question)
                              '("ended" :run (:status "cancelled")))
    (should (string-search "rm -r x\nWithdrawn\n" (buffer-string)))))

(ert-deftest claude-agent-choice-takes-several-answers-and-words-of-ones-own ()
  (let ((options [(:value "deny" :label "Don't answer") (:value "A" :label "A")
                  (:value "\"deny\"" :label "deny")])
        asked sent)
    (cl-letf (((symbol-function 'claude-agent-server-call)
               (lambda (_ argument) (push (plist-get argument :answer) sent)))
              ((symbol-function 'completing-read)
               (lambda (prompt &rest _) (push prompt asked) "Something of mine"))
              ((symbol-function 'completing-read-multiple)
               (lambda (prompt &rest _) (push prompt asked) '("a" "Mine" "deny"))))
      (dolist (multiple '(nil t))
        (claude-agent-questions--ask
         (list :questionId "q" :title "Which database?" :detail "" :options options
               :freeText t :multiple multiple))))
    (should (equal (nreverse sent) '("Something of mine" ["A" "Mine" "\"deny\""])))
    (dolist (prompt asked)
      (should (string-match-p "Which database\\? (.*default Don't answer) \\'" prompt)))))

(ert-deftest claude-agent-question-is-answered-or-put-off-in-the-minibuffer ()
  (let (sent)
    (cl-letf (((symbol-function 'claude-agent-server-call)
               (lambda (&rest call) (push call sent))))
      (cl-letf (((symbol-function 'completing-read) (lambda (&rest _) "allow once")))
        (claude-agent-questions--ask claude-agent-tests--question))
      (should (equal sent '(("question.answer" (:questionId "q1" :answer "allow")))))
      (cl-letf (((symbol-function 'completing-read) (lambda (&rest _) (signal 'quit nil))))
        (claude-agent-questions--ask claude-agent-tests--question))
      (should (equal (length sent) 1))
      (should (equal claude-agent-questions--put-off '("q1"))))))

(ert-deftest claude-agent-buffer-follows-its-file-unless-something-would-be-lost ()
  (let* ((directory (file-name-as-directory (make-temp-file "claude-agent" t)))
         (file (expand-file-name "a.txt" directory))
         (event (list :uri (claude-agent-server-uri file) :change "edited"))
         (write (lambda (text)
                  (write-region text nil file nil 'quiet)
                  (set-file-times file (time-add nil (random 10000))))))
    (funcall write "one")
    (with-current-buffer (find-file-noselect file)
      (funcall write "two")
      (claude-agent-files-changed event)
      (should (equal (buffer-string) "two"))
      (funcall write "three")
      (claude-agent-files-follow directory)
      (should (equal (buffer-string) "three"))
      (insert "mine ")
      (funcall write "four")
      (claude-agent-files-changed event)
      (should (equal (buffer-string) "mine three"))
      (set-buffer-modified-p nil)
      (kill-buffer))
    (delete-directory directory t)))

(ert-deftest claude-agent-context-counts-as-lsp-does ()
  (with-temp-buffer
    (insert "a\n𝄞b\nc\n")
    (should (equal (claude-agent-context--range 4 6)
                   '(:start (:line 1 :character 2) :end (:line 2 :character 0))))
    (narrow-to-region 3 6)
    (should (equal (claude-agent-context--position 5) '(:line 1 :character 3)))))

(ert-deftest claude-agent-found-sessions-are-shown-by-their-lines ()
  (let* ((session '(:sessionId "aaaaaaaa-1" :title "T"
                    :matches [(:place "answer" :line "The heron.") (:place "tool" :line "ls")]))
         (plain '(:sessionId "bbbbbbbb-1" :title "Heron" :matches []))
         (lines (seq-mapcat #'claude-agent-filing--lines (vector session plain))))
    (should (equal (mapcar #'car lines)
                   '("T <aaaaaaaa>: The heron." "T <aaaaaaaa>: ls" "Heron <bbbbbbbb>")))
    (should (equal (all-completions "" (claude-agent-filing--table lines))
                   (mapcar #'car lines)))
    (let (opened)
      (cl-letf (((symbol-function 'completing-read) (lambda (&rest _) "T <aaaaaaaa>: ls"))
                ((symbol-function 'claude-agent-sessions-open)
                 (lambda (_buffer id _continue) (setq opened id))))
        (claude-agent-filing--ask (current-buffer) "heron" lines '(:done 1 :total 1) #'ignore))
      (should (equal opened "aaaaaaaa-1")))))

(ert-deftest claude-agent-session-is-marked-exported-and-imported ()
  (claude-agent-tests--in-conversation
    (should-error (claude-agent-filing-pin nil) :type 'user-error)
    (setq claude-agent-conversation-session "s")
    (let (calls)
      (cl-letf (((symbol-function 'claude-agent-server-call)
                 (lambda (command argument &rest _) (push (cons command argument) calls))))
        (claude-agent-filing-pin nil)
        (claude-agent-filing-archive t)
        (claude-agent-filing-export "/tmp/a.html")
        (should-error (claude-agent-filing-export "/tmp/a.doc") :type 'user-error)
        (claude-agent-filing-import (current-buffer) "/tmp/a.jsonl" #'ignore))
      (should (equal (reverse calls)
                     '(("session.pin" :sessionId "s" :pinned t)
                       ("session.archive" :sessionId "s" :archived :json-false)
                       ("session.export" :sessionId "s" :format "html" :uri "file:///tmp/a.html")
                       ("session.import" :uri "file:///tmp/a.jsonl")))))))

;; What the server answers, and that nothing is done without a yes.
(ert-deftest claude-agent-files-are-put-back-after-a-look ()
  (claude-agent-tests--in-conversation
    (setq claude-agent-conversation-session "s")
    (let* (calls shown (yes nil)
           (seen '(:filesChanged ["file:///f/a"] :insertions 1 :deletions 1
                   :kept [(:uri "file:///f/b" :reason "it has changed" :conflict t)]
                   :files [(:uri "file:///f/a" :change "edited" :merged t :diff "-2\n+two\n")]))
           (messages '((:messageId "1" :role "user" :text "first\nmore")
                       (:messageId "2" :role "assistant" :text "yes")
                       (:messageId "3" :role "user" :text "second")
                       (:messageId "4" :role "user" :kind "woken" :text "x"))))
      (cl-letf (((symbol-function 'claude-agent-server-call)
                 (lambda (command argument &rest more)
                   (push (cons command argument) calls)
                   (funcall (plist-get more :success) seen)))
                ((symbol-function 'run-at-time)
                 (lambda (_ __ function &rest arguments) (apply function arguments)))
                ((symbol-function 'claude-agent-files-follow) #'ignore)
                ((symbol-function 'completing-read)
                 (lambda (_ table &rest _)
                   (car (last (all-completions "" table)))))
                ((symbol-function 'yes-or-no-p)
                 (lambda (_)
                   (setq shown (with-current-buffer "*Claude rewind*" (buffer-string)))
                   yes)))
        (claude-agent-rewind--choose (current-buffer) messages)
        (should (equal calls '(("session.rewind" :sessionId "s" :messageId "1" :preview t))))
        (should (string-match-p "stays as it is: /f/b (it has changed)" shown))
        (should (string-match-p "^-2\n\\+two" shown))
        (setq yes t)
        (claude-agent-rewind--ask (current-buffer) "session.redo" '(:sessionId "s") "done"))
      (should (equal (seq-take calls 2)
                     '(("session.redo" :sessionId "s" :keepConflicts t)
                       ("session.redo" :sessionId "s" :preview t))))
      (should-not (get-buffer "*Claude rewind*")))))

(ert-deftest claude-agent-sessions-have-titles-of-their-own-and-annotations ()
  (let* ((session (lambda (id &rest more)
                    (append more `(:sessionId ,id :title "Fix" :origin "editor"
                                   :workspace "file:///old/a%20b" :lastModified "2026-01-02T03:04:05.000Z"))))
         (titles (claude-agent-sessions--titles
                  (list (funcall session "11111111-a" :current t)
                        (funcall session "22222222-b" :interrupted t
                                 :elsewhere "gone" :goesAt "2026-02-03T04:05:06.000Z")))))
    (should (equal (mapcar #'car titles) '("Fix" "Fix <22222222>")))
    (pcase-let* ((metadata (cdr (funcall (claude-agent-sessions--table titles) "" nil 'metadata)))
                 (`((,_ ,current ,plain) (,_ ,_ ,suffix))
                  (funcall (alist-get 'affixation-function metadata) (mapcar #'car titles))))
      (should (equal current "* "))
      (should-not (string-match-p "gone\\|deleted" plain))
      (should (string-match-p "2026-01-0[123] .* interrupted" suffix))
      (should (string-match-p "from /old/a b, which is gone  deleted on 2026-02-03" suffix)))))

(ert-deftest claude-agent-end-of-the-server-ends-its-runs ()
  (let (taken)
    (claude-agent-server-listen (lambda (event) (push event taken)))
    (let ((claude-agent-server--connection 'gone))
      (claude-agent-server--ended 'gone))
    (should (equal (plist-get (plist-get (car taken) :run) :status) "failed"))))

(ert-deftest claude-agent-message-of-the-server-is-chosen-from-once ()
  (dolist (answer '("Go on" nil))
    (let (sent work)
      (cl-letf (((symbol-function 'run-with-idle-timer)
                 (lambda (_seconds _repeat function) (setq work function) (timer-create)))
                ((symbol-function 'completing-read)
                 (lambda (prompt titles &rest _)
                   (should (equal (list prompt titles) '("Go on here? " ("Leave" "Go on"))))
                   (or answer (signal 'quit nil))))
                ((symbol-function 'jsonrpc-connection-send)
                 (lambda (_connection &rest answered) (push answered sent))))
        (claude-agent-requests-choose
         'connection 7 '(:message "Go on here?" :actions [(:title "Leave") (:title "Go on")]))
        (funcall work)
        (funcall work)
        (should (equal sent (list (list :id 7 :result (and answer (list :title answer))))))))))

(ert-deftest claude-agent-task-is-shown-and-followed-to-its-end ()
  (let ((pages '((:text "one\n" :nextCursor "4") (:text "two\n")))
        called)
    (cl-letf (((symbol-function 'claude-agent-server-call)
               (lambda (command argument &rest more)
                 (push (cons command (plist-get argument :cursor)) called)
                 (funcall (plist-get more :success) (pop pages))))
              ((symbol-function 'run-at-time)
               (lambda (_seconds _repeat function &rest arguments) (apply function arguments)))
              ((symbol-function 'pop-to-buffer) #'ignore))
      (claude-agent-tasks--show '(:taskId "t" :sessionId "s" :title "make 100%" :state "running"))
      (with-current-buffer "*claude-agent task t*"
        (should (equal (buffer-string) "one\ntwo\n"))
        (should (string-match-p "make 100%%" header-line-format))
        (kill-buffer))
      (should (equal (reverse called) '(("task.output") ("task.output" . "4")))))))

(ert-deftest claude-agent-has-no-global-key-and-is-a-menu ()
  (should (commandp 'claude-agent))
  (dolist (command '(claude-agent-ask claude-agent-stop claude-agent-sessions))
    (should-not (where-is-internal command (list global-map)))
    (should (where-is-internal command (list claude-agent-conversation-mode-map)))))

;; Documents

(defvar claude-agent-tests--told nil
  "What the server was told, the newest first.")

(defmacro claude-agent-tests--with-file (text &rest body)
  "Execute BODY in the buffer of a file with TEXT that is open at the server."
  (declare (indent 1))
  `(let* ((folder (file-name-as-directory (make-temp-file "documents" t)))
          (file (expand-file-name "a.txt" folder))
          (claude-agent-server--folders (list folder))
          (claude-agent-tests--told nil))
     (let ((coding-system-for-write 'utf-8-unix))
       (write-region ,text nil file nil 'silent))
     (cl-letf (((symbol-function 'claude-agent-server-running-p) #'always)
               ((symbol-function 'claude-agent-server-notify)
                (lambda (method params) (push (cons method params) claude-agent-tests--told))))
       (with-current-buffer (find-file-noselect file)
         (unwind-protect (progn ,@body)
           (set-buffer-modified-p nil)
           (kill-buffer)
           (delete-directory folder t))))))

(defun claude-agent-tests--index (text place)
  "Return where PLACE is in TEXT."
  (with-temp-buffer
    (insert text)
    (1- (claude-agent-documents--position place))))

(defun claude-agent-tests--servers-text ()
  "Return the text that the server makes of what it was told."
  (let (text)
    (pcase-dolist (`(,method . ,params) (reverse claude-agent-tests--told))
      (pcase method
        (:textDocument/didOpen (setq text (plist-get (plist-get params :textDocument) :text)))
        (:textDocument/didChange
         (let* ((event (aref (plist-get params :contentChanges) 0))
                (range (plist-get event :range))
                (new (plist-get event :text)))
           (setq text
                 (if (not range)
                     new
                   (concat (substring text 0 (claude-agent-tests--index
                                              text (plist-get range :start)))
                           new
                           (substring text (claude-agent-tests--index
                                            text (plist-get range :end))))))))))
    text))

(ert-deftest claude-agent-server-has-the-text-of-the-buffer-whatever-is-changed ()
  (random "claude")
  (claude-agent-tests--with-file "one\ntwo 😀 x\n\nthree\n"
    (buffer-enable-undo)
    (write-region "from the disk\n" nil file nil 'silent)
    (revert-buffer t t t)
    (should (equal (claude-agent-tests--servers-text) "from the disk\n"))
    (dotimes (round 300)
      (dotimes (_ (1+ (random 4)))
        (let ((from (+ (point-min) (random (1+ (buffer-size)))))
              (to (+ (point-min) (random (1+ (buffer-size))))))
          (pcase (random 6)
            (0 (delete-region from (min (point-max) (+ from (random 5)))))
            (1 (goto-char from) (insert (seq-random-elt '("a" "😀" "\n" "b\nc\n" "x😀y"))))
            (2 (upcase-region (min from to) (max from to)))
            (3 (undo-boundary) (let ((inhibit-message t)) (ignore-errors (undo-only))))
            (4 (narrow-to-region (min from to) (max from to)) (goto-char (point-min))
               (insert "n") (widen))
            (5 (transpose-regions from from to to)))))
      (when (zerop (random 2))
        (claude-agent-documents--flush)
        (ert-info ((format "round %d" round))
          (should (equal (claude-agent-tests--servers-text) (buffer-string))))))
    (should (> (length claude-agent-tests--told) 50))))

(ert-deftest claude-agent-server-is-told-of-opening-saving-and-closing ()
  (claude-agent-tests--with-file "one\n"
    (insert "x")
    (fundamental-mode)
    (insert "y")
    (let ((save-silently t)) (save-buffer))
    (set-visited-file-name (concat buffer-file-name ".new") t)
    (let ((told (mapcar #'car (reverse claude-agent-tests--told))))
      (should (equal (seq-take told 5)
                     '(:textDocument/didOpen :textDocument/didChange :textDocument/didSave
                       :textDocument/didClose :textDocument/didOpen))))))

(defun claude-agent-tests--edit (from to text)
  "Return a WorkspaceEdit of the current buffer, between two characters of its first line."
  (list :documentChanges
        (vector (list :textDocument (list :uri claude-agent-documents--uri
                                          :version claude-agent-documents--version)
                      :edits (vector (list :range (list :start (list :line 0 :character from)
                                                        :end (list :line 0 :character to))
                                           :newText text))))))

(ert-deftest claude-agent-edit-is-made-once-where-it-was-meant ()
  (claude-agent-tests--with-file "one two\n"
    (goto-char 3)
    (let ((edit (claude-agent-tests--edit 4 7 "2")))
      (should (claude-agent-documents--apply edit))
      (should (equal (buffer-string) "one 2\n"))
      (should (equal (claude-agent-tests--servers-text) "one 2\n"))
      (should (= (point) 3))
      (should-not (claude-agent-documents--apply edit)))
    (let ((edit (claude-agent-tests--edit 0 3 "1")))
      (insert "typed")
      (should-not (claude-agent-documents--apply edit))
      (setq buffer-read-only t)
      (should-not (claude-agent-documents--apply (claude-agent-tests--edit 0 3 "1"))))
    (should (equal (buffer-string) "ontypede 2\n"))))

(ert-deftest claude-agent-buffer-is-saved-only-as-it-was-meant ()
  (claude-agent-tests--with-file "one\n"
    (let ((save (lambda (version)
                  (claude-agent-documents--save claude-agent-documents--uri version)))
          (held (lambda () (with-temp-buffer (insert-file-contents file) (buffer-string))))
          (times 0))
      (add-hook 'before-save-hook (lambda () (cl-incf times) (insert "hook ")) nil t)
      (insert "x")
      (should-not (funcall save 0))
      (should (equal (funcall held) "one\n"))
      (should (funcall save 1))
      (should (= times 1))
      (should (equal (funcall held) "xhook one\n"))
      (should (equal (claude-agent-tests--servers-text) "xhook one\n"))
      ;; Whatever Emacs would ask about is not saved.
      (insert "y")
      (claude-agent-documents--flush)
      (set-file-times file 0)
      (should-not (funcall save claude-agent-documents--version))
      (set-visited-file-modtime)
      (add-hook 'write-contents-functions (lambda () (y-or-n-p "Really? ")) nil t)
      (should-not (funcall save claude-agent-documents--version))
      (should (equal (funcall held) "xhook one\n")))))

(provide 'claude-agent-tests)
(ert-deftest claude-agent-findings-are-listed-as-errors-to-go-to ()
  (unwind-protect
      (let ((findings
             '((:uri "file:///project/a%20b.py" :severity 1 :message "Wrong\nIt fails."
                :range (:start (:line 2 :character 4) :end (:line 2 :character 9))))))
        (claude-agent-code--list "/project" findings)
        (with-current-buffer "*claude-agent review*"
          (should (string-match-p "^a b.py:3:5: error: Wrong\n    It fails.$" (buffer-string)))
          (compilation--ensure-parse (point-max))
          (goto-char (point-min))
          (compilation-next-error 1)
          (should (looking-at "a b.py:3:5"))))
    (when (get-buffer "*claude-agent review*")
      (kill-buffer "*claude-agent review*"))))

(ert-deftest claude-agent-commit-message-goes-where-it-is-written ()
  (cl-letf (((symbol-function 'claude-agent-server-call)
             (lambda (command _argument &rest how)
               (should (equal command "commitMessage"))
               (funcall (plist-get how :success) '(:message "Add it\n\nWhy."))))
            ((symbol-function 'claude-agent-code--folder) (lambda () "/project")))
    (with-temp-buffer
      (insert "\n# comments")
      (goto-char (point-min))
      (claude-agent-commit-message)
      (should (equal (buffer-string) "Add it\n\nWhy.\n# comments")))
    (with-temp-buffer
      (setq buffer-read-only t)
      (claude-agent-commit-message)
      (should (equal (current-kill 0) "Add it\n\nWhy.")))))

;;; claude-agent-tests.el ends here

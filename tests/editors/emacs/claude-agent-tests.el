;;; claude-agent-tests.el --- What the package does without a server  -*- lexical-binding: t; -*-

;;; Code:

(require 'ert)
(require 'cl-lib)
(require 'claude-agent)
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
       (kill-buffer buffer))))

(defun claude-agent-tests--take (&rest events)
  "Take EVENTS, each a list of a kind and its fields."
  (dolist (event events)
    (claude-agent--take (current-buffer) (cons :kind event))))

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

(ert-deftest claude-agent-sessions-have-titles-of-their-own-and-annotations ()
  (let* ((session (lambda (id &rest more)
                    (append more `(:sessionId ,id :title "Fix" :origin "editor"
                                   :lastModified "2026-01-02T03:04:05.000Z"))))
         (titles (claude-agent-sessions--titles
                  (list (funcall session "11111111-a" :current t)
                        (funcall session "22222222-b" :interrupted t)))))
    (should (equal (mapcar #'car titles) '("Fix" "Fix <22222222>")))
    (pcase-let* ((metadata (cdr (funcall (claude-agent-sessions--table titles) "" nil 'metadata)))
                 (`((,_ ,current ,_) (,_ ,_ ,suffix))
                  (funcall (alist-get 'affixation-function metadata) (mapcar #'car titles))))
      (should (equal current "* "))
      (should (string-match-p "2026-01-0[123] .* interrupted" suffix)))))

(ert-deftest claude-agent-end-of-the-server-ends-its-runs ()
  (let (taken)
    (claude-agent-server-listen (lambda (event) (push event taken)))
    (let ((claude-agent-server--connection 'gone))
      (claude-agent-server--ended 'gone))
    (should (equal (plist-get (plist-get (car taken) :run) :status) "failed"))))

(ert-deftest claude-agent-has-no-global-key-and-is-a-menu ()
  (should (commandp 'claude-agent))
  (dolist (command '(claude-agent-ask claude-agent-stop claude-agent-sessions))
    (should-not (where-is-internal command (list global-map)))
    (should (where-is-internal command (list claude-agent-conversation-mode-map)))))

(provide 'claude-agent-tests)
;;; claude-agent-tests.el ends here

std = 'luajit'
self = false
read_globals = { 'vim' }
globals = { 'vim.g', 'vim.b', 'vim.bo', 'vim.wo', 'vim.opt_local' }
max_line_length = 100

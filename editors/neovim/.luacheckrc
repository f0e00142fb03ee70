std = 'luajit'
self = false
read_globals = { 'vim' }
globals = { 'vim.g', 'vim.b', 'vim.bo', 'vim.wo', 'vim.w' }
max_line_length = 100

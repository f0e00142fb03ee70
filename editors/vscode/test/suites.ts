import './activation.test';
import './text.test';
import './conversation.test';
import './commands.test';
import './sessions.test';
import './questions.test';
import './settings.test';
import './server.test';

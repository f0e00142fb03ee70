/** `@file` and `/command`, completed while they are typed. */
import type { ToView } from '../../shared/messages';
import type { SlashCommand } from '../../shared/control';
import { post } from '../host';
import { oneLine } from '../visible';
import { type Option, OptionList } from './optionList';

const FILE = /(?:^|\s)@"?([^\s"@]*)$/;
const COMMAND = /^\/([\w:.-]*)$/;
const MOST = 50;

export class Completion {
  readonly list = new OptionList('Files', (option) => this.accept(option));
  private commands: readonly SlashCommand[] | undefined;
  private files: Extract<ToView, { type: 'files' }> | undefined;
  /** Whether an answer is on its way; what is typed meanwhile is asked for once it is here. */
  private asking = false;
  /** Where the word begins for which the user wants no completion. */
  private dismissed = -1;

  constructor(private readonly input: HTMLTextAreaElement) {
    input.setAttribute('aria-autocomplete', 'list');
    input.setAttribute('aria-controls', this.list.element.id);
    input.addEventListener('input', () => this.look());
    input.addEventListener('blur', () => this.hide());
    input.addEventListener('click', () => this.look());
  }

  offerCommands(commands: readonly SlashCommand[]): void {
    this.commands = commands;
    this.look();
  }

  offerFiles(files: Extract<ToView, { type: 'files' }>): void {
    this.files = files;
    this.asking = false;
    this.look();
  }

  /** Returns whether the key was meant for the list. */
  key(event: KeyboardEvent): boolean {
    if (!this.list.open) {
      return false;
    }
    switch (event.key) {
      case 'ArrowDown':
        this.list.move(1);
        break;
      case 'ArrowUp':
        this.list.move(-1);
        break;
      case 'Escape':
        this.dismissed = this.word()?.start ?? -1;
        this.hide();
        break;
      case 'Tab':
      case 'Enter':
        if (event.shiftKey || (event.key === 'Enter' && this.complete())) {
          this.hide();
          return false;
        }
        this.accept(this.list.current);
        break;
      default:
        return false;
    }
    this.follow();
    return true;
  }

  hide(): void {
    this.list.hide();
    this.follow();
  }

  private look(): void {
    const word = this.word();
    if (word === undefined || word.start === this.dismissed || document.activeElement !== this.input) {
      if (word === undefined) {
        this.dismissed = -1;
        this.files = undefined; // there may be others by the next time
      }
      this.hide();
      return;
    }
    this.list.name(word.kind === 'file' ? 'Files' : 'Commands');
    this.list.show(word.kind === 'file' ? this.fileOptions(word.text) : this.commandOptions(word.text));
    this.follow();
  }

  private fileOptions(query: string): Option[] {
    if (this.files?.query !== query) {
      if (!this.asking) {
        this.asking = true;
        post({ type: 'completeFiles', query });
      }
      // What was found for the query before stays until the answer is there.
      return this.list.open && this.files !== undefined ? this.files.files.map(fileOption) : [];
    }
    return this.files.files.slice(0, MOST).map(fileOption);
  }

  private commandOptions(query: string): Option[] {
    if (this.commands === undefined) {
      post({ type: 'wantCapabilities' });
      return [];
    }
    const wanted = query.toLowerCase();
    const named = this.commands.map((command) => ({ ...command, name: command.name.replace(/^\//, '') }));
    const first = named.filter(({ name }) => name.toLowerCase().startsWith(wanted));
    const rest = named.filter(({ name }) => name.toLowerCase().indexOf(wanted) > 0);
    return [...first, ...rest].slice(0, MOST).map(({ name, description = '' }) => ({
      value: `/${name}`,
      label: oneLine(`/${name}`, 60),
      description: oneLine(description, 200),
    }));
  }

  /** Whether the command is written out: Enter sends it. */
  private complete(): boolean {
    return this.word()?.kind === 'command' && this.list.current?.value === this.input.value;
  }

  private accept(option: Option | undefined): void {
    const word = this.word();
    if (option === undefined || word === undefined) {
      return;
    }
    const { value } = option;
    const name = word.kind === 'command' ? value : /\s/.test(value) ? `@"${value}"` : `@${value}`;
    this.input.setRangeText(`${name} `, word.start, this.input.selectionStart, 'end');
    this.hide();
    this.input.dispatchEvent(new Event('input'));
  }

  /** Returns the word before the cursor that can be completed. */
  private word(): { kind: 'file' | 'command'; text: string; start: number } | undefined {
    const { selectionStart: end, selectionEnd, value } = this.input;
    if (end !== selectionEnd) {
      return undefined;
    }
    const before = value.slice(0, end);
    const command = COMMAND.exec(before)?.[1];
    if (command !== undefined) {
      return { kind: 'command', text: command, start: 0 };
    }
    const file = FILE.exec(before);
    if (file === null) {
      return undefined;
    }
    const start = file.index + (file[0].startsWith('@') ? 0 : 1);
    return { kind: 'file', text: file[1] ?? '', start };
  }

  private follow(): void {
    const id = this.list.open ? this.list.currentId : undefined;
    if (id === undefined) {
      this.input.removeAttribute('aria-activedescendant');
    } else {
      this.input.setAttribute('aria-activedescendant', id);
    }
  }
}

function fileOption(path: string): Option {
  const [, directory = '', name = path] = /^(.*[/\\])?([^/\\]+)$/.exec(path) ?? [];
  return {
    value: path,
    label: oneLine(name, 100),
    description: directory === '' ? undefined : oneLine(directory),
    icon: 'file',
  };
}

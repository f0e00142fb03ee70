/** Files that a prompt may name after `@`. */
import { execFile } from 'node:child_process';
import * as path from 'node:path';
import { promisify } from 'node:util';
import fuzzysort, { type Result } from 'fuzzysort';
import * as vscode from 'vscode';

const run = promisify(execFile);

const MOST = 30;
/** Of those that fit, so many are compared closely. */
const RANKED = 500;
/** Of the folder's files so many are known. */
const SEARCHED = 100_000;
const IGNORED = ['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--directory'];
const MOST_BYTES = 64 * 1024 * 1024;

/** The files of the open folders, which are listed when they are first wanted. */
export class FileLists implements vscode.Disposable {
  private readonly known = new Map<string, FileList>();

  /**
   * Finds files of a folder by parts of their path, the best first. What the user's search and explorer
   * leave out, and what git ignores, is left out.
   *
   * @returns Paths below the folder.
   */
  async find(query: string, folder: vscode.WorkspaceFolder): Promise<readonly string[]> {
    return (await this.of(folder).current()).find(query);
  }

  /** Lists a folder's files ahead, where the user is about to write. */
  prepare(folder: vscode.WorkspaceFolder): void {
    this.of(folder).current().catch(() => undefined); // it is told when something is asked for
  }

  dispose(): void {
    this.known.forEach((list) => list.dispose());
    this.known.clear();
  }

  private of(folder: vscode.WorkspaceFolder): FileList {
    const key = folder.uri.toString();
    const list = this.known.get(key) ?? new FileList(folder);
    this.known.set(key, list);
    return list;
  }
}

/** The files of one folder, as they were listed. */
class Paths {
  private readonly snapshot;

  constructor(private readonly paths: readonly string[]) {
    this.snapshot = fuzzysort.snapshot(paths);
    fuzzysort.go('a', this.snapshot, { limit: 1 }); // the first search takes long: it is not the user's
  }

  find(query: string): readonly string[] {
    if (query === '') {
      return this.paths.toSorted((one, other) => one.length - other.length).slice(0, MOST);
    }
    const found = fuzzysort.go(query, this.snapshot, { limit: RANKED, threshold: 0.2 });
    const rank = ({ target, score }: Result): number => score + nearness(query, target);
    return [...found].sort((one, other) => rank(other) - rank(one)).slice(0, MOST).map(({ target }) => target);
  }
}

/** Returns how much of a query is in a file's name: what is only in its directories counts for less. */
function nearness(query: string, name: string): number {
  const [wanted, base] = [query.toLowerCase(), path.posix.basename(name).toLowerCase()];
  return base.startsWith(wanted) ? 1 : base.includes(wanted) ? 0.5 : 0;
}

/** Lists a folder's files, one search at a time, and anew once some have come or gone. */
class FileList implements vscode.Disposable {
  private readonly watcher: vscode.FileSystemWatcher;
  private readonly stopping = new vscode.CancellationTokenSource();
  private listed: Paths | undefined;
  private listing: Promise<Paths> | undefined;
  private stale = true;

  constructor(private readonly folder: vscode.WorkspaceFolder) {
    this.watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '**'), false, true, false);
    this.watcher.onDidCreate(() => (this.stale = true));
    this.watcher.onDidDelete(() => (this.stale = true));
  }

  /** What is known of it; of what has changed since, the next look has it. */
  async current(): Promise<Paths> {
    if (this.stale && this.listing === undefined) {
      this.stale = false;
      this.listing = this.list().finally(() => (this.listing = undefined));
      this.listing.catch(() => (this.stale = true)); // whoever waits for it is told
    }
    return this.listed ?? this.listing ?? new Paths([]);
  }

  dispose(): void {
    this.stopping.cancel();
    this.watcher.dispose();
  }

  private async list(): Promise<Paths> {
    const [found, ignored] = await Promise.all([
      vscode.workspace.findFiles(
        new vscode.RelativePattern(this.folder, '**/*'),
        leftOut(this.folder),
        SEARCHED,
        this.stopping.token,
      ),
      ignoredIn(this.folder),
    ]);
    const root = this.folder.uri.fsPath;
    const paths = found
      .map((uri) => path.relative(root, uri.fsPath).replaceAll(path.sep, '/'))
      .filter((name) => !ignored(name));
    return (this.listed = new Paths(paths));
  }
}

/**
 * Returns whether git ignores a path, also of a file in a directory that it ignores; nothing where there
 * is no git. A repository may name programs for git to run: it runs none in a folder without trust, and
 * none for its index anywhere.
 */
async function ignoredIn({ uri }: vscode.WorkspaceFolder): Promise<(name: string) => boolean> {
  const names = new Set<string>();
  if (vscode.workspace.isTrusted) {
    const how = ['-c', 'core.fsmonitor=false', '-C', uri.fsPath];
    const told = await run('git', [...how, ...IGNORED], { maxBuffer: MOST_BYTES }).catch(() => ({ stdout: '' }));
    told.stdout.split('\0').forEach((name) => names.add(name));
  }
  return (name) => {
    for (let end = name.indexOf('/'); end >= 0; end = name.indexOf('/', end + 1)) {
      if (names.has(name.slice(0, end + 1))) {
        return true;
      }
    }
    return names.has(name);
  };
}

/** What the user's search and explorer leave out: `findFiles` by itself only does the latter. */
function leftOut(folder: vscode.WorkspaceFolder): string {
  const globs = ['search', 'files'].flatMap((section) =>
    Object.entries(
      vscode.workspace.getConfiguration(section, folder).get<Record<string, unknown>>('exclude', {}),
    )
      .filter(([, excluded]) => excluded === true)
      .map(([glob]) => glob),
  );
  return `{${globs.join(',')}}`;
}

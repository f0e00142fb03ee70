/** Files that are dropped on the conversation go with the next prompt. */
import { element, icon } from '../dom';
import { post } from '../host';
import { attachImages, imagesIn } from './images';

/** What VS Code's explorer and editors, and the system, call a list of files. */
const LISTS = ['application/vnd.code.uri-list', 'text/uri-list'];
/** What a browser calls files that it gives no address of. */
const FILES = 'files';

/** Takes what is dropped anywhere on the page. Returns what shows it meanwhile. */
export function takeDrops(): HTMLElement {
  const target = element(
    'div',
    { class: 'drop-target' },
    icon('attach'),
    'Drop files here to attach them',
  );
  target.hidden = true;
  let depth = 0;
  const over = (by: number): void => {
    depth = Math.max(0, depth + by);
    target.hidden = depth === 0;
  };
  document.addEventListener('dragenter', (event) => {
    if (holdsFiles(event)) {
      over(1);
    }
  });
  document.addEventListener('dragleave', (event) => {
    if (holdsFiles(event)) {
      over(-1);
    }
  });
  document.addEventListener('dragover', (event) => {
    if (holdsFiles(event)) {
      event.preventDefault();
    }
  });
  document.addEventListener('drop', (event) => {
    over(-depth);
    const uris = urisOf(event.dataTransfer);
    const images = imagesIn(event.dataTransfer);
    if (uris.length > 0) {
      event.preventDefault();
      post({ type: 'attach', uris });
    } else if (images.length > 0) {
      event.preventDefault();
      attachImages(images);
    }
  });
  return target;
}

function holdsFiles({ dataTransfer }: DragEvent): boolean {
  const types = dataTransfer?.types ?? [];
  return types.some((type) => [...LISTS, FILES].includes(type.toLowerCase()));
}

function urisOf(transfer: DataTransfer | null): string[] {
  for (const list of LISTS) {
    const lines = (transfer?.getData(list) ?? '').split(/\r?\n/);
    const uris = lines.filter((line) => line !== '' && !line.startsWith('#'));
    if (uris.length > 0) {
      return [...new Set(uris)];
    }
  }
  return [];
}

/** Pictures that are pasted, or dropped without a file that they are of: they go with the next prompt. */
import { post } from '../host';

/** What the model takes. */
const KINDS: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** Takes the pictures that are pasted into a field; words are pasted as ever. */
export function takePastes(field: HTMLElement): void {
  field.addEventListener('paste', (event) => {
    const images = imagesIn(event.clipboardData);
    if (images.length > 0 && event.clipboardData?.getData('text/plain') === '') {
      event.preventDefault();
      attachImages(images);
    }
  });
}

export function imagesIn(transfer: DataTransfer | null): File[] {
  return [...(transfer?.files ?? [])].filter(({ type }) => KINDS.includes(type));
}

/** Sends pictures to the host, which keeps them as files. */
export function attachImages(images: readonly File[]): void {
  for (const image of images) {
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      const [, base64 = ''] = (reader.result as string).split(','); // it is a data URL
      post({ type: 'attachImage', name: image.name, kind: image.type, base64 });
    });
    reader.addEventListener('error', () => post({ type: 'log', text: `${image.name} can't be read` }));
    reader.readAsDataURL(image);
  }
}

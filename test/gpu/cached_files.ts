/** What a driver has kept of kernels. */

/** Names of the files of a folder, whatever the folders in it. */
export function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
    if (isDirectory) return filesIn(`${folder}/${name}`).map((inner) => `${name}/${inner}`);
    return /^[0-9a-f]+$/.test(name) ? [name] : [];
  }).sort();
}

/** Gives the file to the device's share sheet when it has one and takes it; else saves it. */
export async function hand(file: File, share: boolean): Promise<void> {
  if (share && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file], title: file.name }).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error; // the person closed the sheet
    });
    return;
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

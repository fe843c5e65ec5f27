() => {
    // Uploads arrive without their folders, and the list of a folder's files is gone once they are sent.
    document.addEventListener('change', event => {
        if (event.target.matches('#batch-folder input[type=file]'))
            window.workbenchPaths = [...event.target.files].map(file => file.webkitRelativePath || file.name);
    }, true);
    return [];
}

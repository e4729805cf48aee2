/* Feeds each file of the folders on the command line to a fuzzer's entry, once: the inputs that
 * were kept stay tested where no fuzzing engine is installed. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (file == NULL || fstat(fileno(file), &about) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        if (file != NULL) {
            fclose(file);
        }
        return 0;
    }
    size_t size = (size_t)about.st_size;
    /* Exactly as large as the input, so that a sanitizer sees a read past its end. */
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    int whole = bytes != NULL && fread(bytes, 1, size, file) == size;
    fclose(file);
    if (whole) {
        (void)LLVMFuzzerTestOneInput(bytes, size);
    } else {
        fprintf(stderr, "%s: could not be read whole\n", path);
    }
    free(bytes);
    return whole;
}

static int replay_folder(const char *folder, unsigned *passed, unsigned *failed)
{
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return 0;
    }
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length > 0 && (size_t)length < sizeof path && replay_file(path)) {
            (*passed)++;
        } else {
            (*failed)++;
        }
    }
    closedir(entries);
    return 1;
}

int main(int argc, char **argv)
{
    unsigned passed = 0;
    unsigned failed = 0;
    int readable = argc > 1;
    for (int i = 1; i < argc; i++) {
        readable = replay_folder(argv[i], &passed, &failed) && readable;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return readable && failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

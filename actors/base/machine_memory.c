#include "actors/base/machine_memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_SIZE 8192
#define PATH_SIZE 4096

/* -- texts ------------------------------------------------------------------------------------ */

/* Digits; where they end, or NULL for none or too many. */
static const char *read_number(const char *text, uint64_t *number)
{
    const char *at = text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (*number > (UINT64_MAX - digit) / 10)
            return NULL;
        *number = *number * 10 + digit;
    }
    return at > text ? at : NULL;
}

bool cb_memory_limit_text(const char *text, uint64_t *bytes)
{
    const char *end = read_number(text, bytes);
    return end != NULL && *bytes > 0 && (*end == '\0' || strcmp(end, "\n") == 0);
}

bool cb_memory_total_text(const char *text, uint64_t *bytes)
{
    const char *line = strstr(text, "MemTotal:");
    if (line == NULL || (line != text && line[-1] != '\n'))
        return false;
    line += strlen("MemTotal:");
    line += strspn(line, " \t");
    const char *end = read_number(line, bytes);
    if (end == NULL || strncmp(end, " kB", 3) != 0 || *bytes == 0 || *bytes > UINT64_MAX / 1024)
        return false;
    *bytes *= 1024;
    return true;
}

/* Whether a list of names with commas between them has this one. */
static bool lists(const char *list, size_t size, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list, *end = list + size; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        size_t here = (size_t)((comma != NULL ? comma : end) - at);
        if (here == length && memcmp(at, name, length) == 0)
            return true;
        at += here + 1;
    }
    return false;
}

static void copy_group(const char *group, size_t length, char *path, size_t size)
{
    if (length <= 1 || length >= size || memmem(group, length, "/..", 3) != NULL)
        length = 0;
    memcpy(path, group, length);
    path[length] = '\0';
}

/* Lines of number:controllers:path; version 2 is number 0 without controllers. */
bool cb_memory_group_text(const char *text, const char *controller, char *path, size_t size)
{
    for (const char *line = text, *next; *line != '\0'; line = next) {
        const char *end = strchrnul(line, '\n');
        next = *end == '\n' ? end + 1 : end;
        const char *names = memchr(line, ':', (size_t)(end - line));
        names = names != NULL ? names + 1 : end;
        const char *group = memchr(names, ':', (size_t)(end - names));
        if (group == NULL || group[1] != '/')
            continue;
        size_t listed = (size_t)(group - names);
        if (controller != NULL ? lists(names, listed, controller)
                               : listed == 0 && strncmp(line, "0:", 2) == 0) {
            group++;
            copy_group(group, (size_t)(end - group), path, size);
            return true;
        }
    }
    return false;
}

/* -- files ------------------------------------------------------------------------------------ */

/* As much of a file as there is room for; false: no such file, or nothing in it. */
static bool read_text(const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, TEXT_SIZE - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    return size > 0;
}

static bool print_path(char path[PATH_SIZE], const char *root, const char *tree, const char *group,
                       const char *file)
{
    int size = snprintf(path, PATH_SIZE, "%s%s%s/%s", root, tree, group, file);
    return size > 0 && size < PATH_SIZE;
}

/* The least limit of a group and of those above it. */
static void look_upwards(const char *root, const char *tree, char *group, const char *file,
                         uint64_t *least)
{
    char path[PATH_SIZE];
    char text[TEXT_SIZE];
    for (;;) {
        uint64_t limit;
        if (print_path(path, root, tree, group, file) && read_text(path, text) &&
            cb_memory_limit_text(text, &limit) && limit < *least)
            *least = limit;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return;
        *slash = '\0';
    }
}

uint64_t cb_machine_memory(const char *root)
{
    char path[PATH_SIZE];
    char text[TEXT_SIZE];
    char group[PATH_SIZE / 2];
    uint64_t least = UINT64_MAX;
    uint64_t total;
    if (print_path(path, root, "/proc", "", "meminfo") && read_text(path, text) &&
        cb_memory_total_text(text, &total))
        least = total;
    if (print_path(path, root, "/proc", "/self", "cgroup") && read_text(path, text)) {
        if (cb_memory_group_text(text, NULL, group, sizeof group))
            look_upwards(root, "/sys/fs/cgroup", group, "memory.max", &least);
        if (cb_memory_group_text(text, "memory", group, sizeof group))
            look_upwards(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", &least);
    }
    return least != UINT64_MAX ? least : 0;
}

package org.pfscim.connector;

import com.pingidentity.provisioner.sdk.SaasPluginException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Finds, verifies and loads the native library, once for this class loader, on the first call that needs it.
 * Does not know: frames and operations.
 *
 * <p>A failure is one message that lists every attempt, then what to do. The next call tries again, because the administrator
 * may have corrected the cause.
 *
 * <p>For each load, the library in the jar is written to a new private folder. A file that another class loader has loaded
 * cannot be loaded again. Other accounts cannot change a file in a private folder between the check and the load.
 */
final class NativeLibrary {

    /** System property with the path of a library. If it is set, no other library is tried. */
    static final String PATH_PROPERTY = "org.pfscim.native.path";
    /** System property with the folder to which the library is written. Default: {@code java.io.tmpdir}. */
    static final String FOLDER_PROPERTY = "org.pfscim.native.dir";

    /** The platforms of a release. */
    static final List<String> PLATFORMS = Collections.unmodifiableList(Arrays.asList("linux-x86_64", "linux-aarch64",
        "linux-x86_64-musl", "linux-aarch64-musl", "windows-x86_64"));

    private static final String FOLDER_PREFIX = "pfscim-native-";
    /** An older copy remains from an earlier run. A load removes its own copy at once, if the system permits that. */
    private static final long STALE_AGE_MILLIS = TimeUnit.HOURS.toMillis(1);

    private static boolean loaded;

    private NativeLibrary() {
    }

    /**
     * Loads the library if it is not loaded.
     *
     * @param trialCall calls the loaded library and returns whether the response was correct
     */
    static synchronized void load(BooleanSupplier trialCall) throws SaasPluginException {
        if (loaded) {
            return;
        }
        List<String> attempts = new ArrayList<>();
        Set<String> hints = new LinkedHashSet<>();
        String path = System.getProperty(PATH_PROPERTY);
        if (path == null) {
            loaded = loadFromJar(trialCall, attempts, hints);
        } else {
            loaded = loadFile(path, "the file of " + PATH_PROPERTY, trialCall, attempts);
            hints.add("correct or remove " + PATH_PROPERTY);
        }
        if (!loaded) {
            throw new SaasPluginException("config: " + message(attempts, hints), true);
        }
    }

    /** Returns one line, {@code text; hint}. The text contains no semicolon, because the first one begins the hint. */
    private static String message(List<String> attempts, Set<String> hints) {
        String text = "the native library could not be loaded: " + String.join(", ", attempts).replace("; ", ", ");
        return (hints.isEmpty() ? text : text + "; " + String.join(", or ", hints)).replaceAll("\\p{Cntrl}+", " ");
    }

    private static boolean loadFromJar(BooleanSupplier trialCall, List<String> attempts, Set<String> hints) {
        String os = System.getProperty("os.name", "");
        String arch = System.getProperty("os.arch", "");
        boolean musl = isMusl();
        List<String> suitable = classifiers(os, arch, musl);
        for (String classifier : suitable) {
            if (extractAndLoad(classifier, trialCall, attempts, hints)) {
                return true;
            }
        }
        String cLibrary = !os.startsWith("Linux") ? "" : musl ? " with musl" : " with glibc";
        List<String> included = new ArrayList<>(PLATFORMS);
        included.removeIf(classifier -> NativeLibrary.class.getResource(resourceName(classifier)) == null);
        attempts.add("this system is " + os + " on " + arch + cLibrary + ", and this jar contains "
            + (included.isEmpty() ? "no library" : String.join(", ", included)));
        if (!suitable.isEmpty() && Collections.disjoint(suitable, included)) {
            hints.add("use the jar of the zip, which contains every platform");
        }
        return false;
    }

    /** Returns the platforms whose libraries may work on a system, best first. */
    static List<String> classifiers(String os, String arch, boolean musl) {
        String cpu = Arrays.asList("amd64", "x86_64", "x64").contains(arch) ? "x86_64"
            : Arrays.asList("aarch64", "arm64").contains(arch) ? "aarch64" : null;
        if (cpu != null && os.startsWith("Linux")) {
            String glibc = "linux-" + cpu;
            return musl ? Arrays.asList(glibc + "-musl", glibc) : Arrays.asList(glibc, glibc + "-musl");
        }
        return "x86_64".equals(cpu) && os.startsWith("Windows") ? Collections.singletonList("windows-x86_64")
            : Collections.<String>emptyList();
    }

    /** Returns whether this process runs on musl. The C library is one of its mapped files. */
    private static boolean isMusl() {
        try {
            return isMusl(new String(Files.readAllBytes(Paths.get("/proc/self/maps")), StandardCharsets.UTF_8));
        } catch (IOException | SecurityException e) {
            return false;
        }
    }

    static boolean isMusl(String maps) {
        return maps.contains("/ld-musl-") || maps.contains("/libc.musl-") || maps.contains("-linux-musl/libc.so");
    }

    private static String fileName(String classifier) {
        return classifier.startsWith("windows") ? "pfscim.dll" : "libpfscim.so";
    }

    private static String resourceName(String classifier) {
        return "native/" + classifier + "/" + fileName(classifier);
    }

    /** Writes the library of a platform to a new folder, verifies the written file and loads it. */
    private static boolean extractAndLoad(String classifier, BooleanSupplier trialCall, List<String> attempts,
            Set<String> hints) {
        String resource = resourceName(classifier);
        Path folder = null;
        Path file = null;
        try {
            byte[] library = resource(resource);
            byte[] checksum = resource(resource + ".sha256");
            if (library == null || checksum == null) {
                return false;
            }
            folder = privateFolder();
            file = folder.resolve(fileName(classifier));
            Files.write(file, library);
            if (isPosix()) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
            }
            String expected = new String(checksum, StandardCharsets.US_ASCII).trim();
            if (!sha256(Files.readAllBytes(file)).equalsIgnoreCase(expected)) {
                attempts.add(classifier + " does not have the checksum of its build");
                hints.add("copy the jar again and compare it with SHA256SUMS");
                return false;
            }
            if (loadFile(file.toString(), classifier, trialCall, attempts)) {
                return true;
            }
            if (isMountedNoexec(file)) {
                hints.add("set " + FOLDER_PROPERTY + " to a folder on another file system");
            }
            return false;
        } catch (IOException | RuntimeException e) {
            attempts.add(classifier + " cannot be written (" + e + ")");
            hints.add("set " + FOLDER_PROPERTY + " to a writable folder");
            return false;
        } finally {
            // Linux keeps a removed file until it is unloaded. Windows does not remove a loaded file; a later run does.
            remove(file);
            remove(folder);
        }
    }

    private static boolean loadFile(String path, String subject, BooleanSupplier trialCall, List<String> attempts) {
        Path file = null;
        try {
            file = Paths.get(path).toAbsolutePath();
            System.load(file.toString());
        } catch (UnsatisfiedLinkError | RuntimeException e) {
            String reason = isMountedNoexec(file) ? ", its file system is mounted noexec" : "";
            attempts.add(subject + ": " + e.getMessage() + reason);
            return false;
        }
        try {
            if (trialCall.getAsBoolean()) {
                return true;
            }
            attempts.add(subject + " returned a wrong response to a trial call");
        } catch (UnsatisfiedLinkError e) {
            attempts.add(subject + " is not a library of pfscim: it lacks the function that this jar calls");
        } catch (NativeException e) {
            attempts.add(subject + " has another version: " + e.getMessage());
        }
        return false;
    }

    /** Returns whether a file has mode rwx for its owner but cannot be executed. */
    private static boolean isMountedNoexec(Path file) {
        try {
            return file != null && isPosix() && Files.exists(file) && !Files.isExecutable(file)
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(file)).startsWith("rwx");
        } catch (IOException e) {
            return false;
        }
    }

    private static Path privateFolder() throws IOException {
        Path base = Paths.get(System.getProperty(FOLDER_PROPERTY, System.getProperty("java.io.tmpdir")));
        Files.createDirectories(base);
        removeStaleCopies(base);
        FileAttribute<?>[] attributes = isPosix()
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
            : new FileAttribute<?>[0];
        return Files.createTempDirectory(base, FOLDER_PREFIX, attributes);
    }

    /** Removes the copies of earlier runs that could not remove them. */
    private static void removeStaleCopies(Path base) {
        long limit = System.currentTimeMillis() - STALE_AGE_MILLIS;
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(base, FOLDER_PREFIX + "*")) {
            for (Path folder : folders) {
                if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                        && Files.getLastModifiedTime(folder, LinkOption.NOFOLLOW_LINKS).toMillis() < limit) {
                    remove(folder.resolve("pfscim.dll"));
                    remove(folder.resolve("libpfscim.so"));
                    remove(folder);
                }
            }
        } catch (IOException | RuntimeException e) {
            PluginLog.LOG.debug("cannot search " + base + " for old copies of the native library: " + e);
        }
    }

    private static void remove(Path path) {
        try {
            if (path != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | RuntimeException e) {
            PluginLog.LOG.debug("cannot remove " + path + ": " + e);
        }
    }

    private static boolean isPosix() {
        return FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = NativeLibrary.class.getResourceAsStream(name)) {
            if (in == null) {
                return null;
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            byte[] buffer = new byte[65536];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes.write(buffer, 0, n);
            }
            return bytes.toByteArray();
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            StringBuilder hex = new StringBuilder();
            for (byte b : MessageDigest.getInstance("SHA-256").digest(bytes)) {
                hex.append(String.format("%02x", b));
            }
            return hex.toString();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}

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
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * Finds, verifies and loads the native library, on the first call that needs it and once for this class loader. A failure
 * is one message that tells every attempt, and is tried again by the next call: the administrator may have helped.
 *
 * <p>The library in the jar is written to a new private directory for each load, because a file that another class loader
 * has loaded cannot be loaded again, and because nobody else may be able to change it between the check and the load.
 */
final class NativeLibrary {

    /** A library to load instead of the one in the jar; then nothing else is tried. */
    static final String PATH = "org.pfscim.native.path";
    /** Where to write the library instead of the directory for temporary files. */
    static final String DIRECTORY = "org.pfscim.native.dir";

    /** What a release has libraries for. */
    static final List<String> PLATFORMS = Collections.unmodifiableList(Arrays.asList("linux-x86_64", "linux-aarch64",
        "linux-x86_64-musl", "linux-aarch64-musl", "windows-x86_64"));

    private static final String PREFIX = "pfscim-native-";
    /** A copy that is older than this was left behind: others are removed as soon as they are loaded. */
    private static final long STALE_MILLIS = TimeUnit.HOURS.toMillis(1);

    private static boolean loaded;

    private NativeLibrary() {
    }

    /**
     * Loads the library, unless that was done.
     *
     * @param answers makes a trial call of the loaded library and returns whether its answer was right
     */
    static synchronized void load(BooleanSupplier answers) throws SaasPluginException {
        if (loaded) {
            return;
        }
        List<String> attempts = new ArrayList<>();
        String path = System.getProperty(PATH);
        loaded = path == null ? fromJar(answers, attempts) : attempt(path, "the file named by " + PATH, answers, attempts);
        if (!loaded) {
            String told = String.join("; ", attempts).replaceAll("\\p{Cntrl}+", " ");
            throw new SaasPluginException("config: the native library could not be loaded: " + told, true);
        }
    }

    private static boolean fromJar(BooleanSupplier answers, List<String> attempts) {
        String os = System.getProperty("os.name", "");
        String arch = System.getProperty("os.arch", "");
        boolean musl = isMusl();
        for (String classifier : classifiers(os, arch, musl)) {
            if (extract(classifier, answers, attempts)) {
                return true;
            }
        }
        String cLibrary = !os.startsWith("Linux") ? "" : musl ? " with musl" : " with glibc";
        List<String> contents = new ArrayList<>(PLATFORMS);
        contents.removeIf(classifier -> NativeLibrary.class.getResource(resourceName(classifier)) == null);
        attempts.add("this is " + os + " on " + arch + cLibrary + ", and this jar has "
            + (contents.isEmpty() ? "no library" : String.join(", ", contents)));
        return false;
    }

    /** The libraries that may work here, best first. */
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

    /** Whether this very process runs on musl: its C library is among its mapped files. */
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

    /** Writes the library of a classifier to a directory of its own, verifies what was written and loads it. */
    private static boolean extract(String classifier, BooleanSupplier answers, List<String> attempts) {
        String resource = resourceName(classifier);
        Path directory = null;
        Path file = null;
        try {
            byte[] library = resource(resource);
            byte[] checksum = resource(resource + ".sha256");
            if (library == null || checksum == null) {
                return false;
            }
            directory = privateDirectory();
            file = directory.resolve(fileName(classifier));
            Files.write(file, library);
            if (isPosix()) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
            }
            String expected = new String(checksum, StandardCharsets.US_ASCII).trim();
            if (!sha256(Files.readAllBytes(file)).equalsIgnoreCase(expected)) {
                attempts.add(classifier + " does not have the checksum that it was built with; is the jar damaged?");
                return false;
            }
            return attempt(file.toString(), classifier, answers, attempts);
        } catch (IOException | RuntimeException e) {
            attempts.add(classifier + " cannot be written (" + e + "); set " + DIRECTORY + " to a directory that can");
            return false;
        } finally {
            // Linux keeps a loaded file for as long as it is in use; Windows refuses, and a later run sweeps.
            remove(file);
            remove(directory);
        }
    }

    private static boolean attempt(String path, String what, BooleanSupplier answers, List<String> attempts) {
        Path file = null;
        try {
            file = Paths.get(path).toAbsolutePath();
            System.load(file.toString());
        } catch (UnsatisfiedLinkError | RuntimeException e) {
            attempts.add(what + ": " + e.getMessage() + (isForbidden(file) ? "; the file system it is on is mounted noexec,"
                + " set " + DIRECTORY + " to a directory on another one" : ""));
            return false;
        }
        try {
            if (answers.getAsBoolean()) {
                return true;
            }
            attempts.add(what + " gave a wrong answer to a trial call");
        } catch (UnsatisfiedLinkError e) {
            attempts.add(what + " is another library: it lacks the call that this jar makes");
        } catch (NativeException e) {
            attempts.add(what + " is of another version: " + e.getMessage());
        }
        return false;
    }

    /** A file that its owner may execute, and that yet cannot be executed. */
    private static boolean isForbidden(Path file) {
        try {
            return file != null && isPosix() && Files.exists(file) && !Files.isExecutable(file)
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(file)).startsWith("rwx");
        } catch (IOException e) {
            return false;
        }
    }

    private static Path privateDirectory() throws IOException {
        Path base = Paths.get(System.getProperty(DIRECTORY, System.getProperty("java.io.tmpdir")));
        Files.createDirectories(base);
        sweep(base);
        FileAttribute<?>[] attributes = isPosix()
            ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"))}
            : new FileAttribute<?>[0];
        return Files.createTempDirectory(base, PREFIX, attributes);
    }

    /** Removes what earlier runs could not. */
    private static void sweep(Path base) {
        long limit = System.currentTimeMillis() - STALE_MILLIS;
        try (DirectoryStream<Path> left = Files.newDirectoryStream(base, PREFIX + "*")) {
            for (Path directory : left) {
                if (Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)
                        && Files.getLastModifiedTime(directory, LinkOption.NOFOLLOW_LINKS).toMillis() < limit) {
                    remove(directory.resolve("pfscim.dll"));
                    remove(directory.resolve("libpfscim.so"));
                    remove(directory);
                }
            }
        } catch (IOException | RuntimeException e) {
            PluginLog.LOG.debug("old copies of the native library could not be looked for: " + e);
        }
    }

    private static void remove(Path path) {
        try {
            if (path != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | RuntimeException e) {
            PluginLog.LOG.debug(path + " could not be removed: " + e);
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

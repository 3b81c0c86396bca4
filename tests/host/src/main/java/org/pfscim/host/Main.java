package org.pfscim.host;

import com.pingidentity.provisioner.sdk.AbstractSaasPlugin;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * Starts the Java host process. {@code java -cp HOST:JARS org.pfscim.host.Main --id PLUGIN [--threads N]} calls a plugin;
 * {@code java -cp HOST org.pfscim.host.Main --expressions} evaluates expressions.
 */
public final class Main {
    private static final int STATUS_OK = 0;
    private static final int STATUS_ERROR = 2;
    private static final String USAGE = "usage: --id PLUGIN [--threads N], or --expressions";

    private final Properties properties;
    private final ClassLoader loader;

    Main(Properties properties, ClassLoader loader) {
        this.properties = properties;
        this.loader = loader;
    }

    /** Ends the JVM: status 0 at the end of the input; status 2 and one line on standard error if the host cannot continue. */
    public static void main(String[] args) throws IOException, InterruptedException {
        PrintStream protocol = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        // Output of the plugin must not mix with the lines of the protocol.
        System.setOut(System.err);
        Main main = new Main(System.getProperties(), Main.class.getClassLoader());
        // Not System.in: it calls available(), which fails on some pipes (Wine).
        InputStream in = new FileInputStream(FileDescriptor.in);
        // Exit, because abandoned calls may still run.
        System.exit(main.run(args, in, protocol, System.err));
    }

    int run(String[] args, InputStream in, PrintStream out, PrintStream err) throws IOException, InterruptedException {
        try {
            Modes modes = new Modes(properties);
            Output output = new Output(out);
            ProtocolLog.install(output, modes);
            Thread.currentThread().setContextClassLoader(loader);
            boolean isForExpressions = args.length == 1 && args[0].equals("--expressions");
            int threads = isForExpressions ? 1 : number(option(args, "--threads", "1"));
            Service service = isForExpressions ? new Expressions() : channel(args, modes);
            Host host = new Host(service, output, err, threads, modes.shuffles(), loader);
            host.run(new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)), loader);
            return STATUS_OK;
        } catch (HostException failure) {
            err.println("pfscim-host: " + failure.getMessage());
            return STATUS_ERROR;
        }
    }

    private Channel channel(String[] args, Modes modes) throws HostException {
        Class<? extends AbstractSaasPlugin> type = new Discovery(loader).plugin(option(args, "--id", null));
        return new Channel(type, modes);
    }

    private static String option(String[] args, String name, String defaultValue) throws HostException {
        String value = defaultValue;
        for (int i = 0; i < args.length; i += 2) {
            if (!args[i].equals("--id") && !args[i].equals("--threads") || i + 1 == args.length) {
                throw new HostException(USAGE);
            }
            value = args[i].equals(name) ? args[i + 1] : value;
        }
        if (value == null) {
            throw new HostException(USAGE);
        }
        return value;
    }

    private static int number(String text) throws HostException {
        try {
            int number = Integer.parseInt(text);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Reported below.
        }
        throw new HostException("--threads must be a whole number from 1 on, not " + Text.oneLine(text));
    }
}

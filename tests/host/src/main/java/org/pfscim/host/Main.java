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
 * The program: {@code java -cp HOST:JARS org.pfscim.host.Main --id PLUGIN [--threads N]} plays a plugin, {@code java -cp
 * HOST org.pfscim.host.Main --expressions} evaluates expressions.
 */
public final class Main {
    private static final int OK = 0;
    private static final int CANNOT = 2;
    private static final String USAGE = "usage: --id PLUGIN [--threads N], or --expressions";

    private final Properties properties;
    private final ClassLoader loader;

    Main(Properties properties, ClassLoader loader) {
        this.properties = properties;
        this.loader = loader;
    }

    /** Ends the JVM with 0 when the input has ended, with 2 and one line on standard error when the host cannot work. */
    public static void main(String[] args) throws IOException, InterruptedException {
        PrintStream protocol = new PrintStream(new FileOutputStream(FileDescriptor.out), false, "UTF-8");
        // Whatever the plugin prints must not get between the lines of the protocol.
        System.setOut(System.err);
        Main main = new Main(System.getProperties(), Main.class.getClassLoader());
        // Calls that were given up may still be running; they end here.
        // Not System.in, which asks how much there is to read: not every pipe can tell (Wine's cannot).
        InputStream in = new FileInputStream(FileDescriptor.in);
        System.exit(main.run(args, in, protocol, System.err));
    }

    int run(String[] args, InputStream in, PrintStream out, PrintStream err) throws IOException, InterruptedException {
        try {
            Modes modes = new Modes(properties);
            Output output = new Output(out);
            CapturedLog.capture(output, modes);
            Thread.currentThread().setContextClassLoader(loader);
            boolean expressions = args.length == 1 && args[0].equals("--expressions");
            int threads = expressions ? 1 : number(option(args, "--threads", "1"));
            Calls calls = expressions ? new Expressions() : channel(args, modes);
            Host host = new Host(calls, output, err, threads, modes.shuffles(), loader);
            host.run(new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8)), loader);
            return OK;
        } catch (CannotStart reason) {
            err.println("pfscim-host: " + reason.getMessage());
            return CANNOT;
        }
    }

    private Channel channel(String[] args, Modes modes) throws CannotStart {
        Class<? extends AbstractSaasPlugin> type = new Discovery(loader).plugin(option(args, "--id", null));
        return new Channel(type, modes);
    }

    private static String option(String[] args, String name, String unset) throws CannotStart {
        String value = unset;
        for (int i = 0; i < args.length; i += 2) {
            if (!args[i].equals("--id") && !args[i].equals("--threads") || i + 1 == args.length) {
                throw new CannotStart(USAGE);
            }
            value = args[i].equals(name) ? args[i + 1] : value;
        }
        if (value == null) {
            throw new CannotStart(USAGE);
        }
        return value;
    }

    private static int number(String text) throws CannotStart {
        try {
            int number = Integer.parseInt(text);
            if (number > 0) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Said below.
        }
        throw new CannotStart("--threads must be a whole number from 1 on, not " + Text.oneLine(text));
    }
}
